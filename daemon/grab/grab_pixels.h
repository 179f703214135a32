/* daemon/grab/grab_pixels.h - turn a frame of a camera into the body of a post (image/x-raw). Pure; any thread. */
#ifndef INSP_DAEMON_GRAB_GRAB_PIXELS_H
#define INSP_DAEMON_GRAB_GRAB_PIXELS_H

#include "core/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Pixel formats by their numbers in the GenICam Pixel Format Naming Convention. */
enum {
    GRAB_MONO8 = 0x01080001,
    GRAB_BAYER_GR8 = 0x01080008,
    GRAB_BAYER_RG8 = 0x01080009,
    GRAB_BAYER_GB8 = 0x0108000a,
    GRAB_BAYER_BG8 = 0x0108000b,
    GRAB_RGB8 = 0x02180014,
    GRAB_BGR8 = 0x02180015,
};

/* Says whether frames of a format can be posted, and which ones can, as text. */
bool grab_format_known(uint32_t format);
extern const char grab_formats[];

struct grab_frame {
    uint32_t format, width, height;
    size_t padding; /* bytes behind each row */
    uint64_t id;    /* the camera's number */
    uint64_t count; /* the grabber's */
    char part[129]; /* of the trigger; "": none */
    uint8_t *data;  /* owned */
    size_t bytes;
};

/* Makes the body: rows without padding, Bayer patterns demosaiced to RGB (core/image/bayer.h).
 *   ret       malloc; the caller's
 *   ret_type  128 bytes: the Content-Type
 * Fails with INSP_E_MEDIA_TYPE (format), INSP_E_IMAGE (size), INSP_E_NOMEM. */
int grab_body(const struct grab_frame *frame, uint8_t **ret, size_t *ret_bytes, char *ret_type,
              struct insp_error *reterr);

#endif
