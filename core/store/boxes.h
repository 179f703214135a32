/* core/store/boxes.h - write and parse boxes as the text of a database column or an export. Pure functions;
 * any thread. */
#ifndef INSP_STORE_BOXES_H
#define INSP_STORE_BOXES_H

#include "core/image/box.h"

#include <stdbool.h>
#include <stddef.h>

enum { INSP_BOXES_TEXT_BYTES = INSP_BOXES_MAX * 96 + 3 };

/* Writes `count` boxes, at most INSP_BOXES_MAX, as a JSON array [{"x","y","width","height","max"}]; `max`, 0..1,
 * with four digits. box may be NULL if count is 0. */
void insp_boxes_format(const struct insp_box *box, size_t count, char ret_text[INSP_BOXES_TEXT_BYTES]);

/* Parses a text of insp_boxes_format, in exactly its form. Returns false for anything else; *ret_count is 0
 * then. */
bool insp_boxes_parse(const char *text, struct insp_box ret_box[INSP_BOXES_MAX], size_t *ret_count);

#endif
