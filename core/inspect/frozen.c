#include "core/inspect/frozen.h"

#include "core/base/sha256.h"
#include "core/inspect/inspection.h"

#include <stdlib.h>
#include <string.h>

struct camera {
    char product[INSP_NAME_BYTES], name[INSP_TAG_BYTES], sha256[INSP_SHA256_HEX_BYTES];
    unsigned repeats;
    uint64_t used; /* when it last sent, in pictures; 0: free */
};

struct insp_frozen {
    unsigned repeats;
    uint64_t pictures;
    struct camera camera[INSP_FROZEN_CAMERAS];
};

int insp_frozen_new(unsigned repeats, struct insp_frozen **ret, struct insp_error *reterr) {
    struct insp_frozen *frozen = calloc(1, sizeof *frozen);
    if (!frozen)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the last pictures of cameras");
    frozen->repeats = repeats;
    *ret = frozen;
    return 0;
}

void insp_frozen_free(struct insp_frozen *frozen) {
    free(frozen);
}

/* Returns the entry of a camera, which may be the oldest one of another camera, made empty. */
static struct camera *find(struct insp_frozen *frozen, const char *product, const char *name) {
    struct camera *oldest = &frozen->camera[0];
    for (size_t i = 0; i < INSP_FROZEN_CAMERAS; i++) {
        struct camera *c = &frozen->camera[i];
        if (c->used && !strcmp(c->name, name) && !strcmp(c->product, product))
            return c;
        if (c->used < oldest->used)
            oldest = c;
    }
    *oldest = (struct camera){.used = 0};
    snprintf(oldest->product, sizeof oldest->product, "%s", product);
    snprintf(oldest->name, sizeof oldest->name, "%s", name);
    return oldest;
}

bool insp_frozen_note(struct insp_frozen *frozen, const char *product, const char *camera, const char *sha256) {
    struct camera *c = find(frozen, product, camera);
    bool equal = !strcmp(c->sha256, sha256);
    c->used = ++frozen->pictures;
    c->repeats = !equal ? 0 : c->repeats < frozen->repeats ? c->repeats + 1 : c->repeats;
    snprintf(c->sha256, sizeof c->sha256, "%s", sha256);
    return c->repeats == frozen->repeats;
}
