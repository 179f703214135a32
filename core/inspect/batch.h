/* core/inspect/batch.h - which waiting images form the next pass. A pure function of plain data and a clock value.
 */
#ifndef INSP_INSPECT_BATCH_H
#define INSP_INSPECT_BATCH_H

#include <stddef.h>
#include <stdint.h>

enum insp_batch_fate { INSP_BATCH_WAIT, INSP_BATCH_TAKE, INSP_BATCH_EXPIRED };

/* Looks at waiting images in order of arrival. deadline_us[i]: monotonic, 0 none. Those whose deadline is at or
 * before now_us have expired: they are answered without being scored and take no place. Of the others the oldest
 * batch_max (>= 1) are taken, the rest wait. ret_fate has count places. Returns how many are taken. Any thread. */
size_t insp_batch_form(const int64_t *deadline_us, size_t count, size_t batch_max, int64_t now_us,
                       enum insp_batch_fate *ret_fate);

#endif
