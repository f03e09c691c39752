// SPDX-License-Identifier: GPL-2.0-only
/* test_metrics.c: the text format of Prometheus, and one request of HTTP and its response. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "metrics/exposition.h"
#include "metrics/response.h"

static void expect_sample(const char *value, const char *wanted)
{
	const struct exposition_label labels[] = { { "absent", NULL }, { "a", value }, {} };
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	exposition_put(out, "m", labels, 7);
	fclose(out);
	assert_string_equal(text, wanted);
}

static void label_values_are_escaped(void **state)
{
	expect_sample("", "m{a=\"\"} 7\n");
	expect_sample("say \"hi\"\\\n", "m{a=\"say \\\"hi\\\"\\\\\\n\"} 7\n");
	expect_sample("Zürich €😀", "m{a=\"Zürich €😀\"} 7\n");
}

static void bytes_that_are_no_text_are_replaced(void **state)
{
	expect_sample("a\xff"
		      "b",
		      "m{a=\"a\xef\xbf\xbd"
		      "b\"} 7\n");
	expect_sample("\xc3", "m{a=\"\xef\xbf\xbd\"} 7\n");
	/* overlong, half of a pair, too large */
	expect_sample("\xc0\xaf", "m{a=\"\xef\xbf\xbd\xef\xbf\xbd\"} 7\n");
	expect_sample("\xed\xa0\x80", "m{a=\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"} 7\n");
	expect_sample("\xf5\x80", "m{a=\"\xef\xbf\xbd\xef\xbf\xbd\"} 7\n");
}

static void a_sample_may_have_no_label(void **state)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	exposition_describe(out, "m", "counter", "What.");
	exposition_put(out, "m", NULL, ~0ull);
	fclose(out);
	assert_string_equal(text, "# HELP m What.\n# TYPE m counter\nm 18446744073709551615\n");
}

/* ---- HTTP --------------------------------------------------------------------------------- */

static int status_of(const char *text)
{
	struct request request = {};
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(write(fds[0], text, strlen(text)), strlen(text));
	shutdown(fds[0], SHUT_WR);
	if (response_read_request(fds[1], &request) < 0)
		request.status = -1;
	close(fds[0]);
	close(fds[1]);
	return request.status;
}

static void requests_are_judged(void **state)
{
	assert_int_equal(status_of("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"), 200);
	assert_int_equal(status_of("GET /metrics?x=y HTTP/1.1\r\nAccept: */*\r\nhost:a\r\n\r\n"),
			 200);
	assert_int_equal(status_of("HEAD / HTTP/1.0\n\n"), 200);
	assert_int_equal(status_of("GET /metrics HTTP/1.1\r\n\r\n"), 400);
	assert_int_equal(status_of("GET metrics HTTP/1.0\r\n\r\n"), 400);
	assert_int_equal(status_of("GET /metrics HTTP/2\r\n\r\n"), 400);
	assert_int_equal(status_of("GET /metrics HTTP/1.1\r\nHost: a\r\n"), 400);
	assert_int_equal(status_of("get /metrics HTTP/1.0\r\n\r\n"), 400);
	assert_int_equal(status_of("POST /metrics HTTP/1.0\r\n\r\n"), 405);
	assert_int_equal(status_of("GET /metricsx HTTP/1.0\r\n\r\n"), 404);
	assert_int_equal(status_of(""), -1);
}

static void send_and_expect(const struct request *request, const char *wanted)
{
	char text[512] = "";
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	shutdown(fds[0], SHUT_WR);
	assert_int_equal(response_send(fds[1], request, "body", 4), 0);
	close(fds[1]);
	assert_true(read(fds[0], text, sizeof(text) - 1) > 0);
	assert_string_equal(text, wanted);
	close(fds[0]);
}

static void responses_have_the_length_of_the_body(void **state)
{
	const struct request get = { .status = 200 }, head = { .status = 200, .is_head = true };
	const struct request post = { .status = 405 };

	send_and_expect(&get, "HTTP/1.1 200 OK\r\n"
			      "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
			      "Content-Length: 4\r\nConnection: close\r\n\r\nbody");
	send_and_expect(&head, "HTTP/1.1 200 OK\r\n"
			       "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
			       "Content-Length: 4\r\nConnection: close\r\n\r\n");
	send_and_expect(&post, "HTTP/1.1 405 Method Not Allowed\r\n"
			       "Content-Type: text/plain; charset=utf-8\r\n"
			       "Content-Length: 23\r\nAllow: GET, HEAD\r\nConnection: close\r\n\r\n"
			       "405 Method Not Allowed\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(label_values_are_escaped),
		cmocka_unit_test(bytes_that_are_no_text_are_replaced),
		cmocka_unit_test(a_sample_may_have_no_label),
		cmocka_unit_test(requests_are_judged),
		cmocka_unit_test(responses_have_the_length_of_the_body),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
