/* core/image/decode/jpeg_source.h - feed the scans of a JPEG to libjpeg so that stray bytes before a restart
 * marker are counted exactly.
 *
 * libjpeg warns of stray bytes (JWRN_EXTRANEOUS_DATA) only if its Huffman decoder has not yet read up to the
 * marker, so up to 7 bytes may go unnoticed, depending on the position of the last code. With INSP_JPEG_FILLER
 * extra bytes before each restart marker the decoder never reads that far, and each warning counts the filler
 * plus the stray bytes. A part whose data end too early consumes filler: then the count is below
 * INSP_JPEG_FILLER, or the warning is missing. */
#ifndef INSP_IMAGE_DECODE_JPEG_SOURCE_H
#define INSP_IMAGE_DECODE_JPEG_SOURCE_H

#include <stddef.h>
#include <stdio.h>

#include <jpeglib.h>

enum { INSP_JPEG_FILLER = 8 };

/* Replaces cinfo's source, which must be one of jpeg_mem_src, at its present position behind the header of the
 * first scan. The new source reads the same bytes and is freed with cinfo. Without memory it calls cinfo's
 * error_exit. */
void insp_jpeg_source_fill(struct jpeg_decompress_struct *cinfo);

/* Returns the number of restart markers passed to libjpeg with filler so far. */
size_t insp_jpeg_source_filled(const struct jpeg_decompress_struct *cinfo);

#endif
