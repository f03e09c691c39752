/* SPDX-License-Identifier: GPL-2.0-only */
/* snapshot.c: length, configuration text, inventory.  See snapshot.h. */
#include "image/snapshot.h"

#include <errno.h>

#include "policy_image.h"
#include "image/image.h"
#include "docker/inventory.h"
#include "base/cleanup.h"

int snapshot_pack(const char *config_text, const struct inventory *inventory, void **ret,
		  size_t *ret_size)
{
	_cleanup_free_ void *packed = NULL;
	__u64 text_size = strlen(config_text);
	size_t packed_size = 0;
	char *bytes;
	int err;

	err = inventory ? inventory_pack(inventory, &packed, &packed_size) : 0;
	if (err < 0)
		return err;
	bytes = malloc(sizeof(text_size) + text_size + packed_size);
	if (!bytes)
		return -ENOMEM;
	memcpy(bytes, &text_size, sizeof(text_size));
	memcpy(bytes + sizeof(text_size), config_text, text_size);
	if (packed_size)
		memcpy(bytes + sizeof(text_size) + text_size, packed, packed_size);
	*ret = bytes;
	*ret_size = sizeof(text_size) + text_size + packed_size;
	return 0;
}

int snapshot_unpack(const struct image *image, char **ret_config_text,
		    struct inventory **ret_inventory)
{
	const struct image_header *header = image_header(image);
	const char *bytes = (const char *)image->bytes + header->snapshot;
	size_t size = header->snapshot_size;
	_cleanup_free_ char *text = NULL;
	struct inventory *inventory = NULL;
	__u64 text_size;
	int err;

	if (size < sizeof(text_size))
		return -EBADMSG;
	memcpy(&text_size, bytes, sizeof(text_size));
	bytes += sizeof(text_size);
	size -= sizeof(text_size);
	if (text_size > size)
		return -EBADMSG;
	text = strndup(bytes, text_size);
	if (!text)
		return -ENOMEM;
	err = ret_inventory && size > text_size
		      ? inventory_unpack(bytes + text_size, size - text_size, &inventory)
		      : 0;
	if (err < 0)
		return err;
	*ret_config_text = TAKE_PTR(text);
	if (ret_inventory)
		*ret_inventory = inventory;
	return 0;
}
