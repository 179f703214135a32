/* daemon/cli/cli_images.h - image files of a folder, for calibration. */
#ifndef INSP_DAEMON_CLI_CLI_IMAGES_H
#define INSP_DAEMON_CLI_CLI_IMAGES_H

#include "core/base/error.h"

#include <stddef.h>

struct cli_images {
    size_t count;
    char **path; /* owned: cli_images_clear */
};
void cli_images_clear(struct cli_images *images);

/* The *.png, *.jpg and *.jpeg files below a folder, sub-folders too, sorted by path. Of a dataset in MVTec AD
 * layout (there is a train/good) only those of train/good. INSP_E_DATASET where there is none; errno codes. */
int cli_images_find(const char *folder, struct cli_images *ret, struct insp_error *reterr);

/* Keeps at most `count`, evenly spaced over the list, the first always. Pure. */
void cli_images_thin(struct cli_images *images, size_t count);

#endif
