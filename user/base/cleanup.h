/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cleanup.h: ownership in the type.  A local that owns something says so with a cleanup
 * attribute; what leaves the function leaves through TAKE_PTR or TAKE_FD.  Then an error
 * is a plain return, and one function can be checked alone.
 */
#ifndef TIDEGATE_UTIL_H
#define TIDEGATE_UTIL_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define _cleanup_(function) __attribute__((cleanup(function)))
#define _cleanup_free_      _cleanup_(util_freep)
#define _cleanup_close_     _cleanup_(util_closep)
#define _cleanup_fclose_    _cleanup_(util_fclosep)
#define _cleanup_closedir_  _cleanup_(util_closedirp)

#define TAKE_PTR(pointer)                               \
	({                                              \
		__typeof__(pointer) taken_ = (pointer); \
		(pointer) = NULL;                       \
		taken_;                                 \
	})

#define TAKE_FD(fd)                \
	({                         \
		int taken_ = (fd); \
		(fd) = -1;         \
		taken_;            \
	})

static inline void util_freep(void *pointer)
{
	free(*(void **)pointer);
}

static inline void util_closep(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void util_fclosep(FILE **file)
{
	if (*file)
		fclose(*file);
}

static inline void util_closedirp(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static inline bool streq(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/*
 * Room for one more element in a growing array: doubles `*array` when `count` reaches a
 * power of two.  Returns the new element, zeroed, or NULL (and the array as it was).
 */
static inline void *util_append(void *array, size_t count, size_t size)
{
	char **base = array;

	if ((count & (count - 1)) == 0) {
		char *grown = reallocarray(*base, count ? count * 2 : 1, size);

		if (!grown)
			return NULL;
		*base = grown;
	}
	return memset(*base + count * size, 0, size);
}

#endif
