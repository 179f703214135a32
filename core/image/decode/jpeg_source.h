/* core/image/jpeg_source.h - feeds libjpeg the scans of a JPEG so that bytes astray before a restart marker are
 * counted exactly.
 *
 * libjpeg warns of such bytes (JWRN_EXTRANEOUS_DATA) only where its Huffman decoder has not read ahead to the
 * marker: up to 7 bytes pass in silence or not, by the position of the last code. With INSP_JPEG_FILLER bytes more
 * in front of each restart marker it never reads that far, and each warning counts the filler and what is astray.
 * A part whose data end too early eats filler: then the count is below INSP_JPEG_FILLER, or the warning is
 * missing.
 */
#ifndef INSP_IMAGE_JPEG_SOURCE_H
#define INSP_IMAGE_JPEG_SOURCE_H

#include <stddef.h>
#include <stdio.h>

#include <jpeglib.h>

enum { INSP_JPEG_FILLER = 8 };

/* Replaces cinfo's source, one of jpeg_mem_src, from where it stands: behind the header of the first scan. The new
 * one is freed with cinfo and reads the same bytes. Memory that is missing goes to cinfo's error_exit. */
void insp_jpeg_source_fill(struct jpeg_decompress_struct *cinfo);

/* Restart markers given to libjpeg with filler so far. */
size_t insp_jpeg_source_filled(const struct jpeg_decompress_struct *cinfo);

#endif
