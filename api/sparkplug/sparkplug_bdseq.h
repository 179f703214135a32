/* api/sparkplug/sparkplug_bdseq.h - count the connections of the edge node, 0 to 255, across restarts: by this
 * number a host tells the death of the present connection from that of one before it, which may arrive later. One
 * thread at a time. */
#ifndef INSP_API_SPARKPLUG_SPARKPLUG_BDSEQ_H
#define INSP_API_SPARKPLUG_SPARKPLUG_BDSEQ_H

#include "core/base/error.h"

#include <stdbool.h>

struct api_sparkplug_bdseq {
    char *path; /* owned */
    bool read;
    int number; /* of the last connection; -1: there was none */
};

/* Keeps the number in `sparkplug_bdseq` of the state folder. ret is the caller's, to be cleared. Fails with
 * INSP_E_NOMEM. */
int api_sparkplug_bdseq_init(struct api_sparkplug_bdseq *ret, const char *state_dir, struct insp_error *reterr);
void api_sparkplug_bdseq_clear(struct api_sparkplug_bdseq *bdseq);

/* Moves to the number of the next connection and writes it. A file that is missing or damaged begins at 0. One
 * that cannot be written is logged: the numbers go on, until the next start. Blocks on the disk. */
void api_sparkplug_bdseq_next(struct api_sparkplug_bdseq *bdseq);

#endif
