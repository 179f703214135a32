/* daemon/cli/cli_images.h - lists the image files of a folder, for calibration. */
#ifndef INSP_DAEMON_CLI_CLI_IMAGES_H
#define INSP_DAEMON_CLI_CLI_IMAGES_H

#include "core/base/error.h"

#include <stddef.h>

struct cli_images {
    size_t count;
    char **path; /* [count], owned */
};
void cli_images_clear(struct cli_images *images); /* accepts a zeroed struct */

/* Lists the *.png, *.jpg and *.jpeg files in a folder and its sub-folders, sorted by path. If the folder has
 * train/good, as in MVTec AD layout, only that is searched. cli_images_clear releases *ret. Blocks on the disk.
 * Fails with INSP_E_DATASET if there is no such file, INSP_E_NOMEM and errno codes. */
int cli_images_find(const char *folder, struct cli_images *ret, struct insp_error *reterr);

/* Keeps at most `count` >= 1 images, evenly spaced over the list and including the first. Pure. */
void cli_images_thin(struct cli_images *images, size_t count);

#endif
