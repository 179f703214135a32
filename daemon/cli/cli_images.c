#include "daemon/cli/cli_images.h"

#include "core/base/fs.h"

#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void cli_images_clear(struct cli_images *images) {
    for (size_t i = 0; i < images->count; i++)
        free(images->path[i]);
    free(images->path);
    *images = (struct cli_images){0};
}

static bool is_image(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot && (!strcasecmp(dot, ".png") || !strcasecmp(dot, ".jpg") || !strcasecmp(dot, ".jpeg"));
}

static int add(struct cli_images *images, const char *path, struct insp_error *reterr) {
    char **grown = images->count & (images->count - 1)
                       ? images->path /* grows only when count is a power of two */
                       : realloc(images->path, (images->count ? 2 * images->count : 1) * sizeof *grown);
    if (grown)
        images->path = grown;
    char *copy = grown ? strdup(path) : NULL;
    if (!copy)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the list of images");
    images->path[images->count++] = copy;
    return 0;
}

static int by_name(const FTSENT **a, const FTSENT **b) {
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int walk(char *folder, struct cli_images *images, struct insp_error *reterr) {
    char *const roots[] = {folder, NULL};
    FTS *fts = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, by_name);
    int r = fts ? 0 : insp_fail_errno(reterr, errno, "cannot list %s", folder);
    for (FTSENT *entry; r == 0 && (entry = fts_read(fts));) {
        if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS)
            r = insp_fail_errno(reterr, entry->fts_errno, "cannot read %s", entry->fts_path);
        else if (entry->fts_info == FTS_F && is_image(entry->fts_name))
            r = add(images, entry->fts_path, reterr);
    }
    if (fts)
        fts_close(fts);
    return r;
}

int cli_images_find(const char *folder, struct cli_images *ret, struct insp_error *reterr) {
    struct cli_images images = {0};
    char path[INSP_PATH_BYTES];
    int r = insp_path(path, reterr, "%s/train/good", folder);
    if (r == 0 && access(path, F_OK) < 0)
        r = insp_path(path, reterr, "%s", folder);
    if (r == 0)
        r = walk(path, &images, reterr);
    if (r == 0 && !images.count)
        r = insp_fail(reterr, INSP_E_DATASET, "there is no .png, .jpg or .jpeg file below %s", path);
    if (r < 0)
        cli_images_clear(&images);
    else
        *ret = images;
    return r;
}

void cli_images_thin(struct cli_images *images, size_t count) {
    if (count >= images->count)
        return;
    for (size_t i = 0; i < count; i++) { /* i * n / count is strictly increasing, because count < n */
        size_t from = i * images->count / count;
        char *moved = images->path[from];
        images->path[from] = images->path[i];
        images->path[i] = moved;
    }
    for (size_t i = count; i < images->count; i++)
        free(images->path[i]);
    images->count = count;
}
