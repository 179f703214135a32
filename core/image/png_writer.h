/* core/image/png_writer.h - a PNG written row by row, so that a picture that is computed never lies in memory
 * whole. One thread per writer; blocks for the compression only. */
#ifndef INSP_IMAGE_PNG_WRITER_H
#define INSP_IMAGE_PNG_WRITER_H

#include "core/base/cleanup.h"
#include "core/base/error.h"

#include <stddef.h>
#include <stdint.h>

struct insp_png_writer;

enum insp_png_content {
    INSP_PNG_PHOTO,  /* filtered for the noise of a camera */
    INSP_PNG_DRAWING /* flat areas and smooth ramps */
};

/* channels: 1 grey, 3 RGB, 4 RGBA, 8 bits each. Sides of at least 1. INSP_E_NOMEM. */
int insp_png_writer_new(uint32_t width, uint32_t height, unsigned channels, enum insp_png_content content,
                        struct insp_png_writer **ret, struct insp_error *reterr);

/* The next row from the top, width * channels bytes, borrowed. Exactly height of them. */
int insp_png_writer_row(struct insp_png_writer *writer, const uint8_t *row, struct insp_error *reterr);

/* After the last row. *ret_png is the caller's (free). */
int insp_png_writer_finish(struct insp_png_writer *writer, unsigned char **ret_png, size_t *ret_bytes,
                           struct insp_error *reterr);

void insp_png_writer_free(struct insp_png_writer *writer);

DEFINE_CLEANUP(struct insp_png_writer, insp_png_writer_free);
#endif
