/* SPDX-License-Identifier: GPL-2.0-only */
/* tracking.c: the nftables table that asks for connection tracking.  See tracking.h. */
#include "host/tracking.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <time.h>

#include "base/cleanup.h"

#define TABLE   "tidegate"
#define CHAIN   "tracks_connections"
#define COMMENT "never reached: that it is there turns connection tracking on"

struct talk {
	struct mnl_socket *socket;
	unsigned int portid;
	char buf[8192]; /* of the transaction under way */
	struct mnl_nlmsg_batch *batch;
	__u32 seq;
};

static void talk_end(struct talk *talk)
{
	if (talk->batch)
		mnl_nlmsg_batch_stop(talk->batch);
	if (talk->socket)
		mnl_socket_close(talk->socket);
}

static int open_socket(struct talk *talk)
{
	/* The kernel answers at once, or it has no nf_tables. */
	struct timeval patience = { .tv_sec = 2 };

	talk->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!talk->socket || mnl_socket_bind(talk->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	if (setsockopt(mnl_socket_get_fd(talk->socket), SOL_SOCKET, SO_RCVTIMEO, &patience,
		       sizeof(patience)) < 0)
		return -errno;
	talk->portid = mnl_socket_get_portid(talk->socket);
	talk->seq = time(NULL);
	return 0;
}

/* Reads answers until the end, or the first error.  `seq` 0 = to any message of a batch. */
static int read_answers(struct talk *talk, __u32 seq, mnl_cb_t each, void *data)
{
	char buf[8192];
	int status;

	do {
		ssize_t n = mnl_socket_recvfrom(talk->socket, buf, sizeof(buf));

		if (n < 0)
			return -errno;
		status = mnl_cb_run(buf, n, seq, talk->portid, each, data);
		if (status < 0)
			return -errno;
	} while (status > MNL_CB_STOP);
	return 0;
}

/* ---- the transaction: all of it happens, or nothing -------------------------------- */

static void batch_begin(struct talk *talk)
{
	talk->batch = mnl_nlmsg_batch_start(talk->buf, sizeof(talk->buf));
	nftnl_batch_begin(mnl_nlmsg_batch_current(talk->batch), talk->seq++);
	mnl_nlmsg_batch_next(talk->batch);
}

static struct nlmsghdr *batch_message(struct talk *talk, int type, int flags)
{
	return nftnl_nlmsg_build_hdr(mnl_nlmsg_batch_current(talk->batch), type, NFPROTO_INET,
				     flags, talk->seq++);
}

/* The last message before the end asks for the answer. */
static int batch_send(struct talk *talk, struct nlmsghdr *last)
{
	last->nlmsg_flags |= NLM_F_ACK;
	nftnl_batch_end(mnl_nlmsg_batch_current(talk->batch), talk->seq++);
	mnl_nlmsg_batch_next(talk->batch);
	if (mnl_socket_sendto(talk->socket, mnl_nlmsg_batch_head(talk->batch),
			      mnl_nlmsg_batch_size(talk->batch)) < 0)
		return -errno;
	return read_answers(talk, 0, NULL, NULL);
}

static struct nlmsghdr *batch_table(struct talk *talk, int type)
{
	struct nlmsghdr *message =
		batch_message(talk, type, type == NFT_MSG_NEWTABLE ? NLM_F_CREATE : 0);
	struct nftnl_table *table = nftnl_table_alloc();

	if (!table)
		return NULL;
	nftnl_table_set_str(table, NFTNL_TABLE_NAME, TABLE);
	nftnl_table_nlmsg_build_payload(message, table);
	nftnl_table_free(table);
	mnl_nlmsg_batch_next(talk->batch);
	return message;
}

static struct nlmsghdr *batch_chain(struct talk *talk)
{
	struct nlmsghdr *message = batch_message(talk, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	struct nftnl_chain *chain = nftnl_chain_alloc();

	if (!chain)
		return NULL;
	nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, TABLE);
	nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, CHAIN);
	nftnl_chain_nlmsg_build_payload(message, chain);
	nftnl_chain_free(chain);
	mnl_nlmsg_batch_next(talk->batch);
	return message;
}

static void rule_freep(struct nftnl_rule **rule)
{
	if (*rule)
		nftnl_rule_free(*rule);
}

/* `ct state`, read into a register and forgotten. */
static int rule_make(struct nftnl_rule **ret)
{
	_cleanup_(rule_freep) struct nftnl_rule *rule = nftnl_rule_alloc();
	struct nftnl_expr *state = nftnl_expr_alloc("ct");
	struct nftnl_udata_buf *comment = nftnl_udata_buf_alloc(NFT_USERDATA_MAXLEN);

	if (rule && state && comment) {
		nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, TABLE);
		nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, CHAIN);
		nftnl_expr_set_u32(state, NFTNL_EXPR_CT_KEY, NFT_CT_STATE);
		nftnl_expr_set_u32(state, NFTNL_EXPR_CT_DREG, NFT_REG_1);
		nftnl_rule_add_expr(rule, TAKE_PTR(state));
		nftnl_udata_put_strz(comment, NFTNL_UDATA_RULE_COMMENT, COMMENT);
		nftnl_rule_set_data(rule, NFTNL_RULE_USERDATA, nftnl_udata_buf_data(comment),
				    nftnl_udata_buf_len(comment));
		*ret = TAKE_PTR(rule);
	}
	if (state)
		nftnl_expr_free(state);
	if (comment)
		nftnl_udata_buf_free(comment);
	return *ret ? 0 : -ENOMEM;
}

static struct nlmsghdr *batch_rule(struct talk *talk)
{
	struct nlmsghdr *message =
		batch_message(talk, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	_cleanup_(rule_freep) struct nftnl_rule *rule = NULL;

	if (rule_make(&rule) < 0)
		return NULL;
	nftnl_rule_nlmsg_build_payload(message, rule);
	mnl_nlmsg_batch_next(talk->batch);
	return message;
}

/* ---- what is there ------------------------------------------------------------------ */

static int count_rules(const struct nlmsghdr *message, void *data)
{
	_cleanup_(rule_freep) struct nftnl_rule *rule = nftnl_rule_alloc();
	unsigned int *count = data;

	if (!rule || nftnl_rule_nlmsg_parse(message, rule) < 0) {
		errno = EBADMSG;
		return MNL_CB_ERROR;
	}
	/* Kernels before 5.15 do not filter a dump. */
	if (streq(nftnl_rule_get_str(rule, NFTNL_RULE_TABLE) ?: "", TABLE) &&
	    streq(nftnl_rule_get_str(rule, NFTNL_RULE_CHAIN) ?: "", CHAIN))
		*count += 1;
	return MNL_CB_OK;
}

/* Number of rules in our chain, -errno. */
static int read_rules(struct talk *talk)
{
	char buf[512];
	struct nlmsghdr *message =
		nftnl_nlmsg_build_hdr(buf, NFT_MSG_GETRULE, NFPROTO_INET, NLM_F_DUMP, talk->seq++);
	_cleanup_(rule_freep) struct nftnl_rule *wanted = nftnl_rule_alloc();
	unsigned int count = 0;
	int err;

	if (!wanted)
		return -ENOMEM;
	nftnl_rule_set_str(wanted, NFTNL_RULE_TABLE, TABLE);
	nftnl_rule_set_str(wanted, NFTNL_RULE_CHAIN, CHAIN);
	nftnl_rule_nlmsg_build_payload(message, wanted);
	if (mnl_socket_sendto(talk->socket, message, message->nlmsg_len) < 0)
		return -errno;
	err = read_answers(talk, message->nlmsg_seq, count_rules, &count);
	return err == -ENOENT ? 0 : err < 0 ? err : (int)count;
}

int tracking_turn_on(void)
{
	_cleanup_(talk_end) struct talk talk = {};
	int err = open_socket(&talk);
	struct nlmsghdr *rule;

	if (err < 0)
		return err;
	batch_begin(&talk);
	/* Made if need be, so that removing it cannot fail. */
	if (!batch_table(&talk, NFT_MSG_NEWTABLE) || !batch_table(&talk, NFT_MSG_DELTABLE) ||
	    !batch_table(&talk, NFT_MSG_NEWTABLE) || !batch_chain(&talk))
		return -ENOMEM;
	rule = batch_rule(&talk);
	return rule ? batch_send(&talk, rule) : -ENOMEM;
}

bool tracking_is_on(void)
{
	_cleanup_(talk_end) struct talk talk = {};

	return open_socket(&talk) == 0 && read_rules(&talk) > 0;
}

int tracking_turn_off(void)
{
	_cleanup_(talk_end) struct talk talk = {};
	int err = open_socket(&talk);
	struct nlmsghdr *message;

	if (err < 0)
		return err;
	batch_begin(&talk);
	message = batch_table(&talk, NFT_MSG_DELTABLE);
	err = message ? batch_send(&talk, message) : -ENOMEM;
	return err == -ENOENT ? 0 : err;
}

int tracking_subscribe(int *ret_fd)
{
	_cleanup_close_ int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);
	struct sockaddr_nl self = {
		.nl_family = AF_NETLINK,
		.nl_groups = 1u << (NFNLGRP_NFTABLES - 1),
	};

	if (fd < 0 || bind(fd, (struct sockaddr *)&self, sizeof(self)) < 0)
		return -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}
