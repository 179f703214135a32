#include "core/image/decode/jpeg_source.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <jerror.h>

enum {
    WINDOW_BYTES = 64 << 10,
    STEP_BYTES = INSP_JPEG_FILLER + 2, /* most bytes written for one marker */
    MARKER_TEM = 0x01,
    MARKER_RST0 = 0xd0,
    MARKER_RST7 = 0xd7,
    MARKER_SOI = 0xd8,
    MARKER_EOI = 0xd9,
};

struct source {
    struct jpeg_source_mgr pub; /* first: libjpeg hands it back as cinfo->src */
    const uint8_t *at, *end;    /* borrowed: not copied yet */
    size_t segment_left;        /* bytes of a marker segment still to be copied unchanged */
    size_t filled;
    size_t used;
    uint8_t window[WINDOW_BYTES];
};

static struct source *source_of(const struct jpeg_decompress_struct *cinfo) {
    return (struct source *)(void *)cinfo->src;
}

static void copy(struct source *s, size_t count) {
    memcpy(s->window + s->used, s->at, count);
    s->used += count;
    s->at += count;
}

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Copies a marker: any number of 0xff, then the byte that gives its code. Writes one 0xff and the code. */
static void copy_marker(struct source *s) {
    static const uint8_t filler[INSP_JPEG_FILLER] = {0};
    const uint8_t *code = s->at;
    while (code < s->end && *code == 0xff)
        code++;
    if (code == s->end) {
        s->at = code;
        s->window[s->used++] = 0xff;
        return;
    }
    if (*code >= MARKER_RST0 && *code <= MARKER_RST7) {
        memcpy(s->window + s->used, filler, sizeof filler);
        s->used += sizeof filler;
        s->filled++;
    }
    s->window[s->used++] = 0xff;
    s->window[s->used++] = *code;
    s->at = code + 1;
    bool alone = *code <= MARKER_TEM || (*code >= MARKER_RST0 && *code <= MARKER_SOI);
    size_t left = (size_t)(s->end - s->at);
    if (*code == MARKER_EOI)
        s->segment_left = left; /* the rest is not examined */
    else if (!alone && left >= 2)
        s->segment_left = least(left, (size_t)s->at[0] << 8 | s->at[1]);
}

static void fill_window(struct source *s) {
    s->used = 0;
    while (s->at < s->end && s->used + STEP_BYTES <= WINDOW_BYTES) {
        size_t room = least(WINDOW_BYTES - s->used, (size_t)(s->end - s->at));
        if (s->segment_left) {
            size_t count = least(room, s->segment_left);
            s->segment_left -= count;
            copy(s, count);
            continue;
        }
        const uint8_t *marker = memchr(s->at, 0xff, room);
        copy(s, marker ? (size_t)(marker - s->at) : room);
        if (marker && s->used + STEP_BYTES <= WINDOW_BYTES)
            copy_marker(s);
    }
}

static void begin(j_decompress_ptr cinfo) {
    (void)cinfo;
}

static boolean fill(j_decompress_ptr cinfo) {
    static const JOCTET end[] = {0xff, MARKER_EOI};
    struct source *s = source_of(cinfo);
    fill_window(s);
    s->pub.next_input_byte = s->window;
    s->pub.bytes_in_buffer = s->used;
    if (!s->used) { /* as jpeg_mem_src does */
        WARNMS(cinfo, JWRN_JPEG_EOF);
        s->pub.next_input_byte = end;
        s->pub.bytes_in_buffer = sizeof end;
    }
    return TRUE;
}

static void skip(j_decompress_ptr cinfo, long count) {
    struct source *s = source_of(cinfo);
    size_t left = count > 0 ? (size_t)count : 0;
    while (left > s->pub.bytes_in_buffer) {
        left -= s->pub.bytes_in_buffer;
        fill(cinfo);
    }
    s->pub.next_input_byte += left;
    s->pub.bytes_in_buffer -= left;
}

void insp_jpeg_source_fill(struct jpeg_decompress_struct *cinfo) {
    const struct jpeg_source_mgr *old = cinfo->src;
    struct source *s = cinfo->mem->alloc_large((j_common_ptr)cinfo, JPOOL_PERMANENT, sizeof *s);
    s->pub = (struct jpeg_source_mgr){.init_source = begin,
                                      .fill_input_buffer = fill,
                                      .skip_input_data = skip,
                                      .resync_to_restart = old->resync_to_restart,
                                      .term_source = begin};
    s->at = old->next_input_byte;
    s->end = s->at + old->bytes_in_buffer;
    s->segment_left = s->filled = s->used = 0;
    cinfo->src = &s->pub;
}

size_t insp_jpeg_source_filled(const struct jpeg_decompress_struct *cinfo) {
    return source_of(cinfo)->filled;
}
