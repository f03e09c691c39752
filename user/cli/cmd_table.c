/* SPDX-License-Identifier: GPL-2.0-only */
/* cmd_table.c: the commands there are; dispatch, help and completion read nothing else. */
#include "cli/cmd.h"

#include "bans/bans.h"
#include "base/cleanup.h"

#define TARGETS                                                                                  \
	"TARGET is a published port, the left side of `-p 8080:80`: 443, 80,443/tcp,\n"          \
	"8000-8100/udp, each with `on ADDRESS`; or container NAME, compose PROJECT[/SERVICE],\n" \
	"service NAME, each with `port PORTS` for the container's own.\n"                        \
	"SOURCE is an address, a prefix or the name of a set."

/* clang-format off */
const struct command commands[] = {
	{ "up", "[--audit] [--confirm TIME] [--hook HOOK] [--without-docker | --boot] [IFACE…]",
	  "load the filter, attach it and enforce the configuration", NULL,
	  { "up --confirm 120s", "up --audit" }, cmd_up, FOR_ROOT },
	{ "down", "", "detach and remove everything: published ports are open again", NULL,
	  { "down", "--dry-run down" }, cmd_down, FOR_ROOT },
	{ "run", "", "keep the filter in step with Docker and the configuration (the daemon)",
	  "The unit starts it: systemctl enable --now tidegate.",
	  { "run", "--verbose run" }, cmd_run, FOR_ROOT },
	{ "reload", "[--confirm TIME] [--without-docker]", "apply the configuration now", NULL,
	  { "reload", "reload --confirm 120s" }, cmd_reload, FOR_ROOT },
	{ "confirm", "", "keep what `up --confirm` or `reload --confirm` put on trial", NULL,
	  { "confirm", "--quiet confirm" }, cmd_confirm, FOR_ROOT },
	{ "status", "[numbered]",
	  "say whether the host is protected; show each guarded port and who may enter",
	  "Exit status 0 means protected.  `status numbered` is `list`.",
	  { "status", "--json status" }, cmd_status, FOR_ROOT },
	{ "audit", "[--would] [--from SOURCE] [--fail-on LEVEL] [--format FORMAT]",
	  "say what stands open on this host, and to whom; also before `up`",
	  "Exit status 1 means that something is open; 3 that it could not look.",
	  { "audit --would", "audit --fail-on risky --format markdown" }, cmd_audit, FOR_ROOT },
	{ "list", "[--bans [--comment TEXT]]", "show the active rules, numbered, with packets and bytes", NULL,
	  { "list", "--json list" }, cmd_list, FOR_ROOT },
	{ "watch", "[--drops | --all] [FILTER…] [--all-packets] [--format FORMAT | --pcap FILE]",
	  "show packets as they are dropped, by whom and why",
	  "FILTER is from SOURCE, port PORT, container NAME, compose PROJECT/SERVICE, reason REASON\n"
	  "or in IFACE; all of several have to hold.  Packets that are alike are one line a second.",
	  { "watch port 6379/tcp", "watch --pcap - | tcpdump -nr -" }, cmd_watch, FOR_ROOT },
	{ "log", "[changes | drops] [--since TIME]",
	  "show who changed the policy, and how", NULL,
	  { "log --since 7d", "--json log changes" }, cmd_log, FOR_ROOT },
	{ "metrics", "[--http]", "print the state and all counters as text for Prometheus",
	  "Also when nothing enforces, which the text says.  With --http it answers one request on\n"
	  "standard input, a socket's, for a unit with Accept=yes.",
	  { "metrics", "metrics >/run/tidegate.prom" }, cmd_metrics, FOR_ROOT },
	{ "explain", "SOURCE [DESTINATION] PORT[/PROTO] [in IFACE] [--flags FLAGS] [--with RULE]",
	  "say whether a packet gets in, and which rule decides",
	  "The loaded program is shown the packet; no counter moves.  A line of `watch`, of the\n"
	  "kernel's log, of ss or conntrack is taken as well.  Exit status 0: it passes, 1: it is\n"
	  "dropped, 3: policy and kernel disagree.  With a container's name alone, or `compose\n"
	  "PROJECT/SERVICE`, each port that leads to it is shown, and who gets in.",
	  { "explain 203.0.113.7 192.0.2.1 443/udp in eth0",
	    "explain 203.0.113.7 6379 --with 'allow 6379/tcp from 203.0.113.7'" },
	  cmd_explain, FOR_ROOT },
	{ "allow", "TARGET [from SOURCE…] [until TIME | for TIME] [comment TEXT]",
	  "let sources reach a port or a container", TARGETS,
	  { "allow 80,443/tcp", "allow container redis from 203.0.113.10 for 2h" }, cmd_rule,
	  FOR_ROOT },
	{ "deny", "TARGET [from SOURCE…] [until TIME | for TIME] [comment TEXT]",
	  "keep sources out of a port or a container", TARGETS,
	  { "deny 443/tcp from 203.0.113.66", "deny container web from 198.51.100.0/24" },
	  cmd_rule, FOR_ROOT },
	{ "ban", "SOURCE… [until TIME | for TIME] [comment TEXT] | --stdin",
	  "drop everything from these sources",
	  "Bans are kept in '" BANS_PATH "', one of a set in the configuration.\n"
	  "With --stdin each line is SOURCE [for TIME | until TIME] [comment TEXT].",
	  { "ban 203.0.113.9 for 1d", "ban --stdin <addresses" }, cmd_ban, FOR_ROOT },
	{ "unban", "SOURCE… [comment TEXT] | --comment TEXT | --stdin",
	  "lift bans; with a comment, only those with that comment",
	  "A source is unbanned as it was banned; one address of a banned prefix cannot be.",
	  { "unban 203.0.113.9", "unban --comment 'fail2ban sshd'" }, cmd_unban, FOR_ROOT },
	{ "bans", "[--comment TEXT] | follow NAME",
	  "show the bans; or keep those of a feed on standard input",
	  "A feed sends lines as `ban --stdin` takes them, with `unban` in front of what it lifts, or\n"
	  "JSON as CrowdSec's custom bouncer does: {\"action\":\"add\",\"value\":\"192.0.2.7\",\n"
	  "\"duration\":\"4h\"}.  Its bans have NAME for a comment.",
	  { "bans --comment 'fail2ban sshd'", "bans follow crowdsec" }, cmd_bans, FOR_ROOT },
	{ "failsafe", "[PORT] [from SOURCE…]",
	  "never drop packets to this port or from these sources", NULL,
	  { "failsafe from 192.0.2.10", "failsafe 22/tcp" }, cmd_rule, FOR_ROOT },
	{ "delete", "RULE | NUMBER", "remove a rule, as typed or by its number in `list`", NULL,
	  { "delete 2", "delete allow 6379/tcp from 203.0.113.10" }, cmd_delete,
	  FOR_ROOT },
	{ "check", "[FILE]", "check a configuration and print it in canonical form", NULL,
	  { "check", "check tidegate.conf.new" }, cmd_check, FOR_ANYONE },
	{ "completion", "bash", "print the completion for the shell", NULL,
	  { "completion bash", "completion bash >/etc/bash_completion.d/tidegate" },
	  cmd_completion, FOR_ANYONE },
	{ "version", "", "print the version and what this kernel supports", NULL,
	  { "version", "--json version" }, cmd_version, FOR_ANYONE },
	{ "help", "[COMMAND]", "list the commands, or describe one", NULL,
	  { "help allow", "allow --help" }, cmd_help, FOR_ANYONE },
};
/* clang-format on */
const size_t commands_count = ARRAY_SIZE(commands);

const struct command *cmd_find(const char *name)
{
	for (size_t i = 0; i < commands_count; i++)
		if (streq(commands[i].name, name))
			return &commands[i];
	return NULL;
}
