/* api/kserve/tensors.h - reads the images and wishes of a KServe v2 inference request, in JSON and with the binary
 * tensor extension. Pure; any thread.
 *
 * The input `image` is BYTES [n] or [n,1], one encoded JPEG or PNG per element, or UINT8 [n,height,width,3], RGB.
 * Binary BYTES elements are a u32 length, little-endian, and the bytes; in JSON they are base64, and the input's
 * parameters say so ("content_type": "base64"). The outputs are `probability` FP32 [n], `verdict` BYTES [n] and
 * `heatmap` FP32 [n,14,14], or as many cells as the tiles of the version have. Parameters of other servers
 * (sequences, priority) are ignored. */
#ifndef INSP_API_KSERVE_TENSORS_H
#define INSP_API_KSERVE_TENSORS_H

#include "core/image/image.h"
#include "core/inspect/inspection.h"

enum api_kserve_output { API_KSERVE_PROBABILITY, API_KSERVE_VERDICT, API_KSERVE_HEATMAP, API_KSERVE_OUTPUTS };
extern const char *const api_kserve_output_name[API_KSERVE_OUTPUTS];

enum { API_KSERVE_ID_BYTES = 256 };

struct api_kserve_call {
    char id[API_KSERVE_ID_BYTES];                      /* the client's, to be echoed; "" none */
    char camera[INSP_TAG_BYTES], part[INSP_TAG_BYTES]; /* of `parameters`; "" none */
    int64_t timeout_us;                                /* 0: none */
    size_t output_count;
    struct {
        enum api_kserve_output which;
        bool binary;
    } output[API_KSERVE_OUTPUTS]; /* in the order in which they are wanted */
    struct insp_media_type type;  /* of all images; INSP_MEDIA_UNKNOWN: their first bytes tell */
    size_t count;                 /* of images, 1.. */
    struct {
        uint8_t *bytes; /* owned */
        size_t count;
    } image[INSP_BATCH_LIMIT];
};

/* Reads a request; the images are copies.
 *   body        `bytes` bytes, borrowed
 *   json_bytes  length of the JSON at its beginning (Inference-Header-Content-Length), or `bytes` without tensors
 *               behind it
 *   images_max  1..INSP_BATCH_LIMIT
 *   ret         the caller's (api_kserve_call_clear)
 * Fails with INSP_E_REQUEST (no JSON, lengths that do not add up), INSP_E_PARAMETER (name, type, shape or number
 * of the tensors, a parameter), INSP_E_TOO_LARGE (the JSON without the images), INSP_E_NOMEM. */
int api_kserve_read(const void *body, size_t bytes, size_t json_bytes, size_t images_max,
                    struct api_kserve_call *ret, struct insp_error *reterr);
void api_kserve_call_clear(struct api_kserve_call *call); /* frees the images */

#endif
