#include "core/train/tiles/box_file.h"

#include "core/base/cleanup.h"
#include "core/base/fs.h"

#include <math.h>
#include <string.h>

enum { BOXES_MAX = 10000 };

/* Parses one line, which ends at `end`. Returns 0 for an empty line, 1 for a box, or a negative code. */
static int parse_line(const char *line, const char *end, struct insp_box_share *ret, struct insp_error *reterr) {
    double value[5];
    char *next;
    line += strspn(line, " \t\r");
    if (line == end)
        return 0;
    for (size_t i = 0; i < INSP_COUNT(value); i++, line = next) {
        value[i] = strtod(line, &next);
        if (next == line || next > end || !isfinite(value[i]))
            return insp_fail(reterr, INSP_E_DATASET, "expected \"class x y width height\"");
    }
    if (line + strspn(line, " \t\r") != end)
        return insp_fail(reterr, INSP_E_DATASET, "expected \"class x y width height\" and no more");
    *ret = (struct insp_box_share){.left = fmax(value[1] - value[3] / 2, 0),
                                   .top = fmax(value[2] - value[4] / 2, 0),
                                   .right = fmin(value[1] + value[3] / 2, 1),
                                   .bottom = fmin(value[2] + value[4] / 2, 1)};
    return ret->left < ret->right && ret->top < ret->bottom
               ? 1
               : insp_fail(reterr, INSP_E_DATASET,
                           "the box lies outside of the picture, or is empty: centre and size are shares of the "
                           "picture, 0 to 1");
}

int insp_box_parse(const char *text, struct insp_box_share **ret, size_t *ret_count, struct insp_error *reterr) {
    size_t count = 0, lines = 1, number = 1;
    for (const char *at = text; *at; at++)
        lines += *at == '\n';
    if (lines > BOXES_MAX)
        return insp_fail(reterr, INSP_E_DATASET, "%zu lines are more than %d", lines, BOXES_MAX);
    _cleanup_free_ struct insp_box_share *box = calloc(lines, sizeof *box);
    if (!box)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for %zu boxes", lines);
    for (const char *line = text; line; number++) {
        const char *newline = strchr(line, '\n'), *end = newline ? newline : line + strlen(line);
        int r = parse_line(line, end, &box[count], reterr);
        if (r < 0) {
            insp_error_prefix(reterr, "line %zu", number);
            return r;
        }
        count += (size_t)r;
        line = newline ? newline + 1 : NULL;
    }
    if (!count)
        return insp_fail(reterr, INSP_E_DATASET, "there is no box in it");
    *ret = insp_take_ptr(box);
    *ret_count = count;
    return 0;
}

int insp_box_read(const char *path, struct insp_box_share **ret, size_t *ret_count, struct insp_error *reterr) {
    _cleanup_free_ char *text = NULL;
    size_t bytes;
    int r = insp_read_file(path, INSP_BOX_FILE_BYTES_MAX, &text, &bytes, reterr);
    if (r < 0)
        return r;
    r = strlen(text) == bytes ? insp_box_parse(text, ret, ret_count, reterr)
                              : insp_fail(reterr, INSP_E_DATASET, "it is no text");
    if (r < 0)
        insp_error_prefix(reterr, "%s", path);
    return r;
}
