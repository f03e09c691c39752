#!/usr/bin/env python3
r"""
frames.py: sends what no socket would send, and reads what comes back as it is on the wire, so
that an answer counts also when it leaves with an address that nobody translated.

  frames.py send [-i INTERFACE] FRAME...
  frames.py ask  [-i INTERFACE] [-w MILLISECONDS] [-e FRAME]... FRAME
  frames.py see  [-i INTERFACE] [-w MILLISECONDS] TEXT

FRAME is PROTOCOL,SADDR,SPORT,DADDR,DPORT[,OPTION=VALUE]...: udp, tcp, sctp, icmp or igmp, of the
family of its addresses; the ports of an icmp frame are its type and code.  ask sends the frames of
-e, which lay the ground, and then FRAME, again every 300 ms; for tcp it holds the rest of the
conversation as well.  It says "open ANSWER from ADDRESS PORT" when anything with a payload comes
back to FRAME's source and port, "refused" for a RST or an ICMP error, "closed" for nothing.  see
waits for a frame that has TEXT in it, where \x00 is a byte.

Options: mac=DESTINATION MAC, from=SOURCE MAC, text=PAYLOAD, flags= seq= ack= of TCP (S, A, R, P, F),
lsrr= ssrr=ADDRESS (source route, that hop still to go), srh= rpl= rh0= rh2=ADDRESS (IPv6 routing
header of type 4, 3, 0, 2, one segment left), split=1 (two fragments), times=NUMBER,
inner=FRAME with + for the commas (the packet that an icmp error is about).
"""
import os
import random
import socket
import struct
import sys
import time

ETH_P_ALL = 3
PACKET_OUTGOING = 4
PROTOCOLS = {'icmp': 1, 'igmp': 2, 'tcp': 6, 'udp': 17, 'icmp6': 58, 'sctp': 132}
FLAGS = {'F': 1, 'S': 2, 'R': 4, 'P': 8, 'A': 16}
RESEND_S = 0.3
ROUTING, FRAGMENT = 43, 44
ROUTING_TYPES = {'rh0': 0, 'rh2': 2, 'rpl': 3, 'srh': 4}


def checksum(data):
    if len(data) % 2:
        data += b'\0'
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def family_of(address):
    return socket.AF_INET6 if ':' in address else socket.AF_INET


def packed(address):
    return socket.inet_pton(family_of(address), address)


class Frame:
    """What is to be sent, as typed."""

    def __init__(self, text):
        fields = text.split(',')
        self.protocol, self.saddr, sport, self.daddr, dport = fields[:5]
        self.sport, self.dport = int(sport), int(dport)
        self.family = family_of(self.daddr)
        self.options = dict(field.split('=', 1) for field in fields[5:])

    def option(self, name, default=None):
        return self.options.get(name, default)

    def but(self, **options):
        """The same with other options."""
        other = Frame.__new__(Frame)
        other.__dict__.update(self.__dict__)
        other.options = {**self.options, **options}
        return other


# ---- packets ----------------------------------------------------------------------------

def pseudo_header(frame, protocol, length):
    """The checksum is over the last destination, which a source route still has to go to."""
    daddr = frame.daddr
    for kind in (*ROUTING_TYPES, 'lsrr', 'ssrr'):
        daddr = frame.option(kind, daddr)
    addresses = packed(frame.saddr) + packed(daddr)
    if frame.family == socket.AF_INET:
        return addresses + struct.pack('!BBH', 0, protocol, length)
    return addresses + struct.pack('!IxxxB', length, protocol)


def udp(frame):
    payload = frame.option('text', 'PING\r\n').encode()
    length = 8 + len(payload)
    header = struct.pack('!HHH', frame.sport, frame.dport, length)
    total = checksum(pseudo_header(frame, 17, length) + header + b'\0\0' + payload)
    return header + struct.pack('!H', total or 0xffff) + payload


def tcp(frame):
    payload = frame.option('text', '').encode()
    flags = sum(FLAGS[letter] for letter in frame.option('flags', 'S'))
    header = struct.pack('!HHIIBBHHH', frame.sport, frame.dport, int(frame.option('seq', 1000)),
                         int(frame.option('ack', 0)), 5 << 4, flags, 65535, 0, 0)
    total = checksum(pseudo_header(frame, 6, len(header) + len(payload)) + header + payload)
    return header[:16] + struct.pack('!H', total) + header[18:] + payload


def sctp(frame):
    """INIT, whose first half of a handshake is all that the probe answers."""
    init = struct.pack('!BBHIIHHI', 1, 0, 20, 0x7469, 65536, 1, 1, 1)
    header = struct.pack('!HHI', frame.sport, frame.dport, 0)
    total = crc32c(header + b'\0\0\0\0' + init)
    return header + struct.pack('<I', total) + init


def icmp(frame):
    inner = frame.option('inner')
    if inner:
        inner = Frame(inner.replace('+', ','))
        body = packet(inner)[:128]
    else:
        body = frame.option('text', 'echo').encode()
    message = struct.pack('!BBHI', frame.sport, frame.dport, 0, 0) + body
    above = b''
    if frame.family == socket.AF_INET6:
        above = pseudo_header(frame, 58, len(message))
    total = checksum(above + message)
    return message[:2] + struct.pack('!H', total) + message[4:]


def igmp(frame):
    """A general query."""
    message = struct.pack('!BBHI', 0x11, 10, 0, 0)
    return message[:2] + struct.pack('!H', checksum(message)) + message[4:]


TRANSPORTS = {'udp': udp, 'tcp': tcp, 'sctp': sctp, 'icmp': icmp, 'igmp': igmp}


def source_route(frame):
    for name, number in (('lsrr', 0x83), ('ssrr', 0x89)):
        if frame.option(name):
            return struct.pack('!BBB', number, 7, 4) + packed(frame.option(name)) + b'\1'
    return b''


def ipv4(frame, payload, offset=0):
    options = source_route(frame)
    protocol = PROTOCOLS[frame.protocol]
    size = 20 + len(options)
    header = struct.pack('!BBHHHBBH', 4 << 4 | size // 4, 0, size + len(payload), 4711, offset, 64,
                         protocol, 0) + packed(frame.saddr) + packed(frame.daddr) + options
    return header[:10] + struct.pack('!H', checksum(header)) + header[12:] + payload


def routing_header(frame, protocol):
    """With one segment left."""
    for name, number in ROUTING_TYPES.items():
        hop = frame.option(name)
        if not hop:
            continue
        if name == 'srh':  # lists the segments from the last to the first, which is where it is
            return struct.pack('!BBBBI', protocol, 4, number, 1, 1 << 24) + packed(hop) + \
                packed(frame.daddr)
        return struct.pack('!BBBBI', protocol, 2, number, 1, 0) + packed(hop)
    return b''


def ipv6(frame, payload, offset=None):
    protocol = PROTOCOLS['icmp6' if frame.protocol == 'icmp' else frame.protocol]
    between = routing_header(frame, protocol)
    first = ROUTING if between else protocol
    if offset is not None:
        between = struct.pack('!BBHI', first, 0, offset, 4711) + between
        first = FRAGMENT
    return struct.pack('!IHBB', 6 << 28, len(between) + len(payload), first, 255) + \
        packed(frame.saddr) + packed(frame.daddr) + between + payload


def packet(frame):
    build = ipv4 if frame.family == socket.AF_INET else ipv6
    return build(frame, TRANSPORTS[frame.protocol](frame))


def packets(frame):
    """The packet, or its two fragments."""
    if not frame.option('split'):
        return [packet(frame)]
    payload = TRANSPORTS[frame.protocol](frame)
    cut = 24 if frame.protocol == 'tcp' else 8
    if frame.family == socket.AF_INET:
        return [ipv4(frame, payload[:cut], 0x2000), ipv4(frame, payload[cut:], cut // 8)]
    return [ipv6(frame, payload[:cut], 1), ipv6(frame, payload[cut:], cut)]


# ---- the wire -----------------------------------------------------------------------------

class Wire:
    def __init__(self, interface):
        self.interface = interface
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.bind((interface, ETH_P_ALL))
        with open('/sys/class/net/%s/address' % interface) as file:
            self.mac = file.read().strip()

    def send(self, frame):
        mac = frame.option('mac') or host_mac()
        ethertype = 0x0800 if frame.family == socket.AF_INET else 0x86dd
        header = raw_mac(mac) + raw_mac(frame.option('from', self.mac)) + struct.pack('!H', ethertype)
        for _ in range(int(frame.option('times', 1))):
            for data in packets(frame):
                self.socket.send(header + data)

    def frames(self, deadline):
        """What comes in until then."""
        while time.monotonic() < deadline:
            self.socket.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                data, address = self.socket.recvfrom(65536)
            except TimeoutError:
                return
            if address[2] != PACKET_OUTGOING:
                yield data


def raw_mac(text):
    return bytes(int(byte, 16) for byte in text.split(':'))


def host_mac():
    """Of the docker host, which the stage told us."""
    return os.environ['HOST_MAC']


class Received:
    """A frame from the wire, read as far as it can be read."""

    def __init__(self, data):
        self.protocol, self.saddr, self.daddr = None, None, None
        self.sport = self.dport = 0
        self.flags, self.seq, self.ack, self.payload = 0, 0, 0, b''
        ethertype, data = struct.unpack('!H', data[12:14])[0], data[14:]
        if ethertype == 0x0800 and len(data) >= 20:
            self.read_ipv4(data)
        elif ethertype == 0x86dd and len(data) >= 40:
            self.read_ipv6(data)

    def read_ipv4(self, data):
        self.protocol = data[9]
        self.saddr = socket.inet_ntop(socket.AF_INET, data[12:16])
        self.daddr = socket.inet_ntop(socket.AF_INET, data[16:20])
        self.read_transport(data[(data[0] & 15) * 4:struct.unpack('!H', data[2:4])[0]])

    def read_ipv6(self, data):
        self.protocol = data[6]
        self.saddr = socket.inet_ntop(socket.AF_INET6, data[8:24])
        self.daddr = socket.inet_ntop(socket.AF_INET6, data[24:40])
        self.read_transport(data[40:40 + struct.unpack('!H', data[4:6])[0]])

    def read_transport(self, data):
        if self.protocol in (6, 17, 132) and len(data) >= 8:
            self.sport, self.dport = struct.unpack('!HH', data[:4])
        if self.protocol == 17:
            self.payload = data[8:]
        elif self.protocol == 132:
            self.payload = data[12:]
        elif self.protocol == 6 and len(data) >= 20:
            self.seq, self.ack = struct.unpack('!II', data[4:12])
            self.flags = data[13]
            self.payload = data[(data[12] >> 4) * 4:]
        elif self.protocol in (1, 58) and len(data) >= 8:
            self.payload = data[8:]
            self.sport, self.dport = data[:2]

    def is_error_for(self, frame):
        """About a packet that has the address and the port of the frame's source in it."""
        errors = {1: (3, 11, 12), 58: (1, 2, 3, 4)}.get(self.protocol, ())
        return self.sport in errors and packed(frame.saddr) in self.payload and \
            struct.pack('!H', frame.sport) in self.payload

    def is_for(self, frame):
        return self.protocol == PROTOCOLS[frame.protocol] and self.daddr is not None and \
            family_of(self.daddr) == frame.family and \
            packed(self.daddr) == packed(frame.saddr) and self.dport == frame.sport


# ---- asking -------------------------------------------------------------------------------

def is_forged(received, wire_frames):
    """What this program sent itself comes back when the host forwards it."""
    return any(received.payload == frame.option('text', 'PING\r\n').encode()
               for frame in wire_frames)


class Conversation:
    """With whoever answers for frame.daddr, until it says something."""

    def __init__(self, wire, frame, earlier):
        self.wire, self.frame, self.earlier = wire, frame, earlier
        self.seq = random.randrange(1 << 16, 1 << 30)
        self.is_established = False
        self.outcome = 'closed'

    def begin(self):
        for frame in self.earlier:
            self.wire.send(frame)
        if self.frame.protocol == 'tcp' and self.frame.option('flags') is None:
            self.wire.send(self.frame.but(flags='S', seq=self.seq))
        else:
            self.wire.send(self.frame)

    def take_segment(self, received):
        if received.flags & FLAGS['R']:
            if not self.is_established:
                self.outcome = 'refused'
        elif received.flags & FLAGS['S'] and received.flags & FLAGS['A']:
            if received.ack != self.seq + 1:
                return
            self.is_established = True
            self.say(received.seq + 1)
        elif received.payload:
            self.answer(received)

    def say(self, ack):
        """Completes the handshake and asks."""
        here = self.frame.but(seq=self.seq + 1, ack=ack & 0xffffffff)
        self.wire.send(here.but(flags='A'))
        self.wire.send(here.but(flags='PA', text=self.frame.option('text', 'PING\r\n')))

    def take(self, received):
        if received.is_error_for(self.frame):
            self.outcome = 'refused by ICMP type %d code %d' % (received.sport, received.dport)
        elif not received.is_for(self.frame):
            return
        elif self.frame.protocol == 'tcp':
            self.take_segment(received)
        elif received.payload and not is_forged(received, self.earlier):
            self.answer(received)

    def answer(self, received):
        text = received.payload[:60].decode('ascii', 'replace').strip()
        text = ''.join(c if c.isprintable() else '.' for c in text).split('#')[0]
        self.outcome = 'open %s from %s %d' % (text, received.saddr, received.sport)

    def hold(self, seconds):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self.outcome.startswith('open'):
            if not self.is_established:
                self.begin()
            for data in self.wire.frames(min(deadline, time.monotonic() + RESEND_S)):
                self.take(Received(data))
                if self.outcome.startswith('open'):
                    break
        return self.outcome


def cmd_ask(wire, wait, earlier, texts):
    outcome = Conversation(wire, Frame(texts[0]), earlier).hold(wait)
    print(outcome)
    return 0 if outcome.startswith('open') else 1


def cmd_send(wire, wait, earlier, texts):
    for text in texts:
        wire.send(Frame(text))
    return 0


def cmd_see(wire, wait, earlier, texts):
    wanted = texts[0].encode().decode('unicode_escape').encode('latin1')
    print('ready', flush=True)
    for data in wire.frames(time.monotonic() + wait):
        if wanted in data:
            received = Received(data)
            print('seen from %s %d to %s %d' % (received.saddr, received.sport, received.daddr,
                                                received.dport))
            return 0
    print('nothing')
    return 1


def main(arguments):
    commands = {'ask': cmd_ask, 'send': cmd_send, 'see': cmd_see}
    interface, wait, earlier, texts = 'eth0', 1.0, [], []
    rest = iter(arguments[1:])
    for argument in rest:
        if argument == '-i':
            interface = next(rest)
        elif argument == '-w':
            wait = int(next(rest)) / 1000
        elif argument == '-e':
            earlier.append(Frame(next(rest)))
        else:
            texts.append(argument)
    if not arguments or arguments[0] not in commands or not texts:
        sys.exit(__doc__)
    return commands[arguments[0]](Wire(interface), wait, earlier, texts)


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
