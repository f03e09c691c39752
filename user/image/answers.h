/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * answers.h: what becomes of most packets, said beforehand.  Pure.
 */
#ifndef TIDEGATE_IMAGE_ANSWERS_H
#define TIDEGATE_IMAGE_ANSWERS_H

struct image_header;
struct image_writer;

/* Fills the answers of the slots; asks the ports, the rules and the header's flags. */
void answers_write(const struct image_writer *writer, const struct image_header *header);

#endif
