/* core/inspect/batch.h - choose the waiting images of the next pass. A pure function of plain data and a clock
 * value; any thread. */
#ifndef INSP_INSPECT_BATCH_H
#define INSP_INSPECT_BATCH_H

#include <stddef.h>
#include <stdint.h>

enum insp_batch_fate { INSP_BATCH_WAIT, INSP_BATCH_TAKE, INSP_BATCH_EXPIRED };

/* Decides the fate of `count` waiting images in order of arrival. deadline_us[i]: monotonic, 0: none. weight[i]:
 * tiles, 1 or more. Images whose deadline is at or before now_us expire and take no place. The oldest of the
 * others are taken while their weights add up to batch_max (>= 1) at most, and the very oldest whatever its
 * weight; the rest wait. ret_fate has count places. Returns the number taken. */
size_t insp_batch_form(const int64_t *deadline_us, const size_t *weight, size_t count, size_t batch_max,
                       int64_t now_us, enum insp_batch_fate *ret_fate);

#endif
