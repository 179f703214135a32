#include "core/dataset/dataset_name.h"

#include "core/base/cleanup.h"
#include "core/base/fs.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { IMPORTED_DIGITS = 40, STEM_MAX = 48, NUMBERED_STEM_MAX = 200 };

enum insp_source insp_dataset_source_of(const char *name) {
    size_t digits = strspn(name, "0123456789abcdef");
    bool imported = digits == IMPORTED_DIGITS && (name[digits] == '.' || !name[digits]);
    return imported ? INSP_SOURCE_INSPECTION : INSP_SOURCE_FILE;
}

const char *insp_source_name(enum insp_source source) {
    return source == INSP_SOURCE_INSPECTION ? "inspection" : "file";
}

void insp_dataset_like_name(const char *like, enum insp_media media, char ret_name[INSP_NAME_BYTES]) {
    const char *slash = strrchr(like, '/');
    like = slash ? slash + 1 : like;
    const char *dot = strrchr(like, '.');
    size_t n = dot && dot != like ? (size_t)(dot - like) : strlen(like), used = 0;
    for (size_t i = 0; i < n && used < STEM_MAX; i++) {
        bool letter = isalnum((unsigned char)like[i]);
        if (used || letter) /* no dot or dash at the start */
            ret_name[used++] = letter || strchr("._-", like[i]) ? like[i] : '_';
    }
    ret_name[used] = 0;
    if (!used || insp_dataset_source_of(ret_name) == INSP_SOURCE_INSPECTION)
        used = (size_t)snprintf(ret_name, INSP_NAME_BYTES, "image");
    snprintf(ret_name + used, INSP_NAME_BYTES - used, media == INSP_MEDIA_PNG ? ".png" : ".jpg");
}

static bool taken(const struct insp_dataset *dataset, const char *place) {
    size_t root = strlen(dataset->root) + 1;
    for (size_t i = 0; i < dataset->count; i++)
        if (!strcasecmp(dataset->item[i].path + root, place))
            return true;
    return false;
}

/* Says whether the ground truth has a mask that an image of this name would get. */
static bool masked(const struct insp_dataset *dataset, const char *class, const char *name) {
    static const char *const suffix[] = {"_mask", ""};
    const char *dot = strrchr(name, '.');
    int stem = dot ? (int)(dot - name) : (int)strlen(name);
    for (size_t i = 0; i < INSP_COUNT(suffix); i++) {
        char path[INSP_PATH_BYTES];
        if (insp_path(path, NULL, "%s/ground_truth/%s/%.*s%s.png", dataset->root, class, stem, name, suffix[i]) ==
                0 &&
            access(path, F_OK) == 0)
            return true;
    }
    return false;
}

void insp_dataset_free_name(const struct insp_dataset *dataset, const struct insp_dataset_place *place,
                            bool comes_back, char ret_name[INSP_FILE_NAME_BYTES]) {
    const char *dot = strrchr(place->name, '.');
    size_t stem = dot ? (size_t)(dot - place->name) : strlen(place->name);
    stem = stem < NUMBERED_STEM_MAX ? stem : NUMBERED_STEM_MAX;
    snprintf(ret_name, INSP_FILE_NAME_BYTES, "%s", place->name);
    for (unsigned turn = 2;; turn++) {
        char wanted[INSP_PLACE_BYTES];
        snprintf(wanted, sizeof wanted, "%s/%s/%s", place->split, place->class, ret_name);
        if (!taken(dataset, wanted) && (comes_back || !masked(dataset, place->class, ret_name)))
            return;
        snprintf(ret_name, INSP_FILE_NAME_BYTES, "%.*s-%u%.16s", (int)stem, place->name, turn, dot ? dot : "");
    }
}
