/* daemon/cli/cli_progress.h - shows the progress of long work: a line that is redrawn on a terminal, plain lines
 * elsewhere. It goes to stderr, so that stdout has the result only. Ctrl-C cancels the work. One object per
 * process, because it handles SIGINT and SIGTERM. Events arrive on the thread that does the work. */
#ifndef INSP_DAEMON_CLI_CLI_PROGRESS_H
#define INSP_DAEMON_CLI_CLI_PROGRESS_H

#include "core/base/progress.h"

#include <stdint.h>
#include <stdio.h>

enum { CLI_PROGRESS_LINE = 160 };

struct cli_progress {
    FILE *out;
    bool terminal;
    int64_t started_us, drawn_us; /* monotonic */
    char stage[64];
    bool line_open;   /* the bar has been drawn without a newline */
    int plain_tenths; /* last tenth printed if `out` is not a terminal */
};

void cli_progress_start(struct cli_progress *progress, FILE *out);
void cli_progress_end(struct cli_progress *progress); /* erases the bar and restores the default signal actions */

/* Returns the callbacks for training code; they borrow `progress`. From then on SIGINT or SIGTERM cancels the
 * work, which ends with INSP_E_CANCELLED and leaves nothing half-written; a second signal ends the process. */
struct insp_progress cli_progress_hooks(struct cli_progress *progress);

/* Shows done of total for the current stage, as a callback of work that only counts. arg: the struct cli_progress.
 */
void cli_progress_count(void *arg, size_t done, size_t total);

/* Formats "[#####.....]  42 %  features  79/188  12 s left" into line [bytes]. Pure.
 *   overall      0..1; NaN counts as 0
 *   done, total  of the stage; total 0: not shown
 *   elapsed_s    since the start; the time left is shown after 2 % and one second */
void cli_progress_bar(char *line, size_t bytes, const char *stage, double overall, size_t done, size_t total,
                      double elapsed_s);

#endif
