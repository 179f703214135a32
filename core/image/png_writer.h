/* core/image/png_writer.h - write a PNG row by row, so that a computed picture is never in memory as a whole.
 * One thread per writer; blocks only for the compression. */
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

/* Starts a PNG. channels: 1 grey, 3 RGB, 4 RGBA, 8 bits each; sides of at least 1. *ret is the caller's. Fails
 * with INSP_E_NOMEM, INSP_E_INTERNAL. */
int insp_png_writer_new(uint32_t width, uint32_t height, unsigned channels, enum insp_png_content content,
                        struct insp_png_writer **ret, struct insp_error *reterr);

/* Writes the next row from the top: width * channels bytes, borrowed. Call it exactly height times. Fails with
 * INSP_E_NOMEM, INSP_E_INTERNAL. */
int insp_png_writer_row(struct insp_png_writer *writer, const uint8_t *row, struct insp_error *reterr);

/* Ends the PNG after its last row. *ret_png is the caller's (free). Fails with INSP_E_NOMEM, INSP_E_INTERNAL. */
int insp_png_writer_finish(struct insp_png_writer *writer, unsigned char **ret_png, size_t *ret_bytes,
                           struct insp_error *reterr);

void insp_png_writer_free(struct insp_png_writer *writer); /* accepts NULL */

DEFINE_CLEANUP(struct insp_png_writer, insp_png_writer_free);
#endif
