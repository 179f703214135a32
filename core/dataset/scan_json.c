#include "core/base/utf8.h"
#include "core/dataset/scan.h"

#include <stdarg.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *wire, *text;
} reasons[] = {
#define X(symbol, wire, text) [symbol] = {wire, text},
    INSP_PASSED_TABLE(X)
#undef X
};

const char *insp_passed_text(enum insp_passed reason) {
    return reasons[reason].text;
}

/* --- doubts --- */

static void doubt(json_t *doubts, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void doubt(json_t *doubts, const char *format, ...) {
    char text[512];
    if (json_array_size(doubts) == INSP_SCAN_DOUBTS_MAX)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    insp_utf8_clean(text);
    json_array_append_new(doubts, json_string(text));
}

static const char *last_part(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool starts_with(const char *text, const char *start) {
    return !strncmp(text, start, strlen(start));
}

/* Names that probably mean good parts but do not count as good, because a defect may have such a name. */
static bool may_be_good(const char *name) {
    static const char *const names[] = {"normal",      "pass",        "passed",  "io",      "i.o.",
                                        "gut",         "iO",          "fine",    "perfect", "accepted",
                                        "defect-free", "defect_free", "nominal", "goods"};
    for (size_t i = 0; i < INSP_COUNT(names); i++)
        if (!strcasecmp(name, names[i]))
            return true;
    return false;
}

static void doubt_folders(const struct insp_scan *scan, json_t *doubts) {
    for (size_t i = 0; i < scan->folder_count; i++) {
        const struct insp_scan_folder *folder = &scan->folder[i];
        const char *name = last_part(folder->path);
        bool good = !strcmp(folder->class, "good");
        if (!folder->images)
            continue;
        if (!starts_with(folder->path, "train/") && !starts_with(folder->path, "test/"))
            doubt(doubts, "%s is read, although the layout spells train and test in lower case", folder->path);
        if (good && strcmp(name, "good") != 0)
            doubt(doubts, "%s counts as good; rename it if it holds defects", folder->path);
        if (!good && may_be_good(name))
            doubt(doubts, "%s counts as a defect type; rename it to good if it holds good parts", folder->path);
        if (!good && !strncasecmp(folder->path, "train/", 6))
            doubt(doubts, "%s counts as a defect type, as it would below test", folder->path);
        for (size_t k = 0; !good && k < i; k++)
            if (!strcasecmp(scan->folder[k].class, folder->class) &&
                strcmp(scan->folder[k].class, folder->class) != 0)
                doubt(doubts, "%s and %s are two defect types that differ only in case", scan->folder[k].path,
                      folder->path);
    }
}

static const char *example_of(const struct insp_scan *scan, enum insp_passed reason) {
    const char *example = scan->passed[reason].example[0];
    return example ? example : "?";
}

static void doubt_passed(const struct insp_scan *scan, json_t *doubts) {
    const struct insp_passed_over *passed = scan->passed;
    if (passed[INSP_PASSED_NESTED].images)
        doubt(doubts,
              "%zu images in folders inside a class are not read (%s): move them up into the class's folder",
              passed[INSP_PASSED_NESTED].images, example_of(scan, INSP_PASSED_NESTED));
    if (passed[INSP_PASSED_LOOSE].count)
        doubt(doubts,
              "%zu images belong to no class (%s): put them into good or into a folder named after the defect",
              passed[INSP_PASSED_LOOSE].count, example_of(scan, INSP_PASSED_LOOSE));
    if (passed[INSP_PASSED_FORMAT].count)
        doubt(doubts, "%zu images are neither PNG nor JPEG and are not read (%s): convert them to PNG",
              passed[INSP_PASSED_FORMAT].count, example_of(scan, INSP_PASSED_FORMAT));
    if (passed[INSP_PASSED_FOLDER].images)
        doubt(doubts,
              "%zu images are in folders that are not part of the layout (%s): only train and test are read",
              passed[INSP_PASSED_FOLDER].images, example_of(scan, INSP_PASSED_FOLDER));
    if (passed[INSP_PASSED_LINK].count)
        doubt(doubts, "%zu links are broken (%s)", passed[INSP_PASSED_LINK].count,
              example_of(scan, INSP_PASSED_LINK));
}

static void doubt_content(const struct insp_scan *scan, json_t *doubts) {
    const char *example = scan->duplicate_example[0] ? scan->duplicate_example[0] : "?";
    if (scan->across_classes)
        doubt(doubts, "%zu images are in more than one class (%s): one of the two is wrong", scan->across_classes,
              example);
    if (scan->duplicates)
        doubt(doubts,
              "%zu images are copies of others, %zu of them below both train and test (%s): the figures on "
              "held-out images may be too good",
              scan->duplicates, scan->across_splits, example);
    const size_t marked = scan->masked + scan->boxed;
    if (marked && marked < scan->defective)
        doubt(doubts, "%zu of %zu defective images have neither mask nor boxes in ground_truth",
              scan->defective - marked, scan->defective);
    if (scan->unused_marks)
        doubt(doubts,
              "%zu masks or files of boxes in ground_truth belong to no image: name a mask "
              "ground_truth/<defect>/<name>_mask.png or <name>.png, and boxes <name>.txt",
              scan->unused_marks);
}

json_t *insp_scan_doubts(const struct insp_scan *scan) {
    json_t *doubts = json_array();
    if (!doubts)
        return NULL;
    doubt_folders(scan, doubts);
    doubt_passed(scan, doubts);
    doubt_content(scan, doubts);
    return doubts;
}

/* --- the whole --- */

static json_t *texts_json(char *const *text, size_t count) {
    json_t *texts = json_array();
    for (size_t i = 0; texts && i < count; i++)
        if (text[i])
            json_array_append_new(texts, json_string(text[i]));
    return texts;
}

static json_t *folders_json(const struct insp_scan *scan) {
    json_t *folders = json_array();
    for (size_t i = 0; folders && i < scan->folder_count && i < INSP_SCAN_FOLDERS_MAX; i++)
        json_array_append_new(folders,
                              json_pack("{s:s, s:s, s:I}", "folder", scan->folder[i].path, "class",
                                        scan->folder[i].class, "images", (json_int_t)scan->folder[i].images));
    return folders;
}

static json_t *passed_json(const struct insp_scan *scan) {
    json_t *all = json_array();
    for (size_t r = 0; all && r < INSP_PASSED_REASONS; r++) {
        const struct insp_passed_over *passed = &scan->passed[r];
        if (passed->count)
            json_array_append_new(all, json_pack("{s:s, s:s, s:I, s:I, s:o}", "reason", reasons[r].wire, "text",
                                                 reasons[r].text, "count", (json_int_t)passed->count, "images",
                                                 (json_int_t)passed->images, "examples",
                                                 texts_json(passed->example, INSP_SCAN_EXAMPLES)));
    }
    return all;
}

static json_t *duplicates_json(const struct insp_scan *scan) {
    return scan->hashed
               ? json_pack("{s:I, s:I, s:I, s:o}", "images", (json_int_t)scan->duplicates, "across_splits",
                           (json_int_t)scan->across_splits, "across_classes", (json_int_t)scan->across_classes,
                           "examples", texts_json(scan->duplicate_example, INSP_SCAN_EXAMPLES))
               : json_null();
}

json_t *insp_scan_json(const struct insp_scan *scan) {
    return json_pack("{s:o, s:{s:I, s:I}, s:o, s:o, s:{s:I, s:I, s:I, s:I, s:I}, s:o}", "folders",
                     folders_json(scan), "formats", "png", (json_int_t)scan->png, "jpeg", (json_int_t)scan->jpeg,
                     "passed_over", passed_json(scan), "duplicates", duplicates_json(scan), "masks", "defective",
                     (json_int_t)scan->defective, "with_mask", (json_int_t)scan->masked, "by_same_name",
                     (json_int_t)scan->masked_by_name, "with_boxes", (json_int_t)scan->boxed, "unused",
                     (json_int_t)scan->unused_marks, "doubts", insp_scan_doubts(scan));
}
