/* api/kserve/kserve_answer.h - writes the answer of a KServe v2 inference: JSON, and behind it the tensors that
 * were asked for in binary form. Pure; any thread. */
#ifndef INSP_API_KSERVE_KSERVE_ANSWER_H
#define INSP_API_KSERVE_KSERVE_ANSWER_H

#include "api/http/response.h"
#include "api/kserve/tensors.h"

extern const char api_kserve_header[]; /* "Inference-Header-Content-Length" */

/* Fills the response with status 200. With a binary output the type is application/octet-stream, and the header
 * Inference-Header-Content-Length has the length of the JSON; the tensors follow in the order of the outputs. The
 * parameter `inspection_ids` has the ids of the stored inspections in the order of the images, with commas.
 *   job  [count], 1..INSP_BATCH_LIMIT, all of one model, with verdict and score; borrowed
 * Fails with INSP_E_NOMEM. */
int api_kserve_answer(const struct api_kserve_call *call, struct insp_inspection *const *job, size_t count,
                      struct api_response *response, struct insp_error *reterr);

#endif
