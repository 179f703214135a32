#include "core/dataset/dataset_name.h"

#include "core/base/cleanup.h"
#include "core/base/fs.h"
#include "core/base/utf8.h"
#include "core/dataset/mask_file.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { IMPORTED_DIGITS = 40, STEM_MAX = 48, NUMBERED_STEM_MAX = 190, ENDING_MAX = 16 };

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

/* Says whether the ground truth has a mask or boxes that an image of this name would get. */
static bool marked(const struct insp_dataset *dataset, const char *class, const char *name) {
    static const char *const end[] = {INSP_MASK_ENDS, INSP_BOX_END};
    const char *dot = strrchr(name, '.');
    int stem = dot ? (int)(dot - name) : (int)strlen(name);
    for (size_t i = 0; i < INSP_COUNT(end); i++) {
        char path[INSP_PATH_BYTES];
        if (insp_path(path, NULL, "%s/ground_truth/%s/%.*s%s", dataset->root, class, stem, name, end[i]) == 0 &&
            access(path, F_OK) == 0)
            return true;
    }
    return false;
}

static size_t stem_of(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot ? (size_t)(dot - name) : strlen(name);
}

void insp_dataset_join_name(const char *front, const char *name, const char *back,
                            char ret_name[INSP_FILE_NAME_BYTES]) {
    char stem[NUMBERED_STEM_MAX + 1], ending[ENDING_MAX + 1];
    size_t length = stem_of(name);
    snprintf(stem, sizeof stem, "%.*s", length < NUMBERED_STEM_MAX ? (int)length : NUMBERED_STEM_MAX, name);
    snprintf(ending, sizeof ending, "%.16s", name + length);
    insp_utf8_clean(stem);
    insp_utf8_clean(ending);
    snprintf(ret_name, INSP_FILE_NAME_BYTES, "%.24s%s%.24s%s", front, stem, back, ending);
}

/* Returns the number to try first: past those that the names like this one have, so that thousands of equal names
 * do not try each other's. */
static unsigned first_number(const struct insp_dataset *dataset, const struct insp_dataset_place *place) {
    char front[INSP_PLACE_BYTES];
    size_t root = strlen(dataset->root) + 1;
    unsigned number = 1;
    int n = snprintf(front, sizeof front, "%s/%s/%.*s", place->split, place->class, (int)stem_of(place->name),
                     place->name);
    for (size_t i = 0; i < dataset->count; i++) {
        const char *have = dataset->item[i].path + root;
        number += !strncasecmp(have, front, (size_t)n) && (have[n] == '.' || have[n] == '-');
    }
    return number > 2 ? number : 2;
}

void insp_dataset_free_name(const struct insp_dataset *dataset, const struct insp_dataset_place *place,
                            bool comes_back, char ret_name[INSP_FILE_NAME_BYTES]) {
    snprintf(ret_name, INSP_FILE_NAME_BYTES, "%s", place->name);
    for (unsigned number = 0;;) {
        char wanted[INSP_PLACE_BYTES], back[16];
        snprintf(wanted, sizeof wanted, "%s/%s/%s", place->split, place->class, ret_name);
        if (!taken(dataset, wanted) && (comes_back || !marked(dataset, place->class, ret_name)))
            return;
        number = number ? number + 1 : first_number(dataset, place);
        snprintf(back, sizeof back, "-%u", number);
        insp_dataset_join_name("", place->name, back, ret_name);
    }
}
