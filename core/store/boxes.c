/* core/store/boxes.c - write and parse boxes with integers, because the decimal point of printf and strtod
 * follows the locale. */
#include "core/store/boxes.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { HEAT_STEPS = 10000 };

void insp_boxes_format(const struct insp_box *box, size_t count, char ret_text[INSP_BOXES_TEXT_BYTES]) {
    size_t used = 0;
    ret_text[used++] = '[';
    for (size_t i = 0; i < count && i < INSP_BOXES_MAX; i++) {
        int max = (int)lroundf(box[i].max * HEAT_STEPS);
        used +=
            (size_t)snprintf(ret_text + used, INSP_BOXES_TEXT_BYTES - used,
                             "%s{\"x\":%u,\"y\":%u,\"width\":%u,\"height\":%u,\"max\":%d.%04d}", i ? "," : "",
                             box[i].x, box[i].y, box[i].width, box[i].height, max / HEAT_STEPS, max % HEAT_STEPS);
    }
    snprintf(ret_text + used, INSP_BOXES_TEXT_BYTES - used, "]");
}

static bool skip(const char **at, const char *text) {
    size_t length = strlen(text);
    if (strncmp(*at, text, length))
        return false;
    *at += length;
    return true;
}

static bool read_number(const char **at, size_t least, size_t most, uint32_t *ret) {
    uint64_t value = 0;
    size_t digits = 0;
    for (; **at >= '0' && **at <= '9' && digits < most; (*at)++, digits++)
        value = value * 10 + (uint64_t)(**at - '0');
    *ret = (uint32_t)value;
    return digits >= least && value <= UINT32_MAX;
}

static bool read_box(const char **at, struct insp_box *ret) {
    uint32_t whole, part;
    bool fine = skip(at, "{\"x\":") && read_number(at, 1, 10, &ret->x) && skip(at, ",\"y\":") &&
                read_number(at, 1, 10, &ret->y) && skip(at, ",\"width\":") &&
                read_number(at, 1, 10, &ret->width) && skip(at, ",\"height\":") &&
                read_number(at, 1, 10, &ret->height) && skip(at, ",\"max\":") && read_number(at, 1, 1, &whole) &&
                skip(at, ".") && read_number(at, 4, 4, &part) && skip(at, "}");
    if (fine)
        ret->max = (float)(whole * HEAT_STEPS + part) / HEAT_STEPS;
    return fine;
}

bool insp_boxes_parse(const char *text, struct insp_box ret_box[INSP_BOXES_MAX], size_t *ret_count) {
    size_t count = 0;
    bool fine = skip(&text, "[");
    *ret_count = 0;
    while (fine && *text != ']')
        fine = count < INSP_BOXES_MAX && (!count || skip(&text, ",")) && read_box(&text, &ret_box[count++]);
    if (!fine || strcmp(text, "]"))
        return false;
    *ret_count = count;
    return true;
}
