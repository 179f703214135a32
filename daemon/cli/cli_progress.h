/* daemon/cli/cli_progress.h - long work on the command line: one line that rewrites itself on a terminal, plain
 * lines elsewhere, both on stderr so that stdout keeps to the result. Ctrl-C cancels. One per process (it owns
 * SIGINT and SIGTERM while it lives); events come on the thread that does the work. */
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
    bool line_open;   /* a bar stands on the line, without a newline */
    int plain_tenths; /* last tenth printed where there is no terminal */
};

void cli_progress_start(struct cli_progress *progress, FILE *out);
void cli_progress_end(struct cli_progress *progress); /* ends an open line, gives the signals back */

/* What the training code is handed; borrows progress. From now on SIGINT and SIGTERM cancel the work, which ends
 * with INSP_E_CANCELLED and nothing half-written; a second one ends the process. */
struct insp_progress cli_progress_hooks(struct cli_progress *progress);

/* For work that counts only: a step of `stage`. The arguments of a callback (arg is the struct cli_progress). */
void cli_progress_count(void *arg, size_t done, size_t total);

/* "[#####.....]  42 %  features  79/188  12 s left". Pure.
 * overall 0..1; elapsed_s since the start; the rest is guessed once 2 % and a second are done. */
void cli_progress_bar(char *line, size_t bytes, const char *stage, double overall, size_t done, size_t total,
                      double elapsed_s);

#endif
