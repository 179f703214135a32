#include "api/inspections/export_rows.h"

#include "api/http/response.h"
#include "api/inspections/inspection_json.h"
#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/float_text.h"
#include "core/store/boxes.h"

#include <string.h>

const char api_export_csv_header[] =
    "id,received_at,product,camera,part,verdict,probability,threshold,model,label,defect,note,labelled_by,"
    "labelled_at,"
    "heatmap_max,heatmap_area,heatmap_threshold,boxes,width,height,media_type,image_bytes,image_kept,sha256,"
    "decode_ms,queue_ms,inference_ms,store_ms,total_ms,receive_ms,wait_ms,suspect,reasons,late,takt_ms,"
    "good_score,good_threshold,good_percentile,decided_by\r\n";

/* Says whether a spreadsheet would run a cell that begins here as a formula: = + - @, their full-width forms
 * (spreadsheets in East Asian languages), tab and CR, also behind a byte order mark or quotes, which readers
 * drop. */
static bool runs(const char *text) {
    static const char *const marks[] = {"=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20"};
    for (;;) {
        if (*text == '"')
            text++;
        else if (!strncmp(text, "\ufeff", 3))
            text += 3;
        else
            break;
    }
    for (size_t i = 0; i < INSP_COUNT(marks); i++)
        if (!strncmp(text, marks[i], strlen(marks[i])))
            return true;
    return false;
}

/* Writes a text and a comma. A ' keeps a spreadsheet from running the text as a formula: at its beginning, and
 * behind each character that a reader with another list separator takes for the end of a cell (; and tab) or of a
 * row. */
static void text(FILE *out, const char *value) {
    bool quotes = value && strpbrk(value, ",;\"\t\r\n"), begins = true;
    if (quotes)
        putc_unlocked('"', out);
    for (const char *at = value; at && *at; at++) {
        if (begins && runs(at))
            putc_unlocked('\'', out);
        begins = strchr(";\t\r\n", *at) != NULL;
        if (*at == '"')
            putc_unlocked('"', out);
        putc_unlocked(*at, out);
    }
    fputs_unlocked(quotes ? "\"," : ",", out);
}

static void number(FILE *out, float value) {
    char digits[INSP_FLOAT_BYTES];
    insp_float_text(value, digits);
    fputs_unlocked(digits, out);
    putc_unlocked(',', out);
}

static void instant(FILE *out, int64_t wall_us) {
    char rfc3339[INSP_RFC3339_BYTES] = "";
    if (wall_us)
        insp_rfc3339(wall_us, rfc3339);
    fputs_unlocked(rfc3339, out);
    putc_unlocked(',', out);
}

static void ms(FILE *out, int64_t us, const char *behind) {
    fprintf(out, "%s%lld.%03lld%s", us < 0 ? "-" : "", llabs((long long)us) / 1000, llabs((long long)us) % 1000,
            behind);
}

/* Writes an empty cell for a time that was not measured. */
static void known_ms(FILE *out, int64_t us, const char *behind) {
    if (us < 0)
        fputs_unlocked(behind, out);
    else
        ms(out, us, behind);
}

/* Writes empty cells for a version without a good-only model. */
static void good_only(FILE *out, const struct insp_record *record) {
    if (!record->good_known) {
        fputs_unlocked(",,,", out);
        return;
    }
    number(out, record->good_score);
    number(out, record->good_threshold);
    number(out, record->good_percentile);
}

void api_export_csv_row(FILE *out, const struct insp_record *record) {
    char boxes[INSP_BOXES_TEXT_BYTES];
    const char *label = api_label_name(record->label);
    char reasons[API_REASONS_BYTES];
    text(out, record->id);
    instant(out, record->received_us);
    text(out, record->product);
    text(out, record->camera);
    text(out, record->part);
    text(out, insp_verdict_name(record->verdict));
    number(out, record->probability);
    number(out, record->threshold);
    text(out, record->model);
    text(out, label);
    text(out, record->label_defect);
    text(out, record->label_note);
    text(out, record->labelled_by);
    instant(out, record->labelled_us);
    number(out, record->heat_max);
    number(out, record->heat_area);
    number(out, record->heat_threshold);
    insp_boxes_format(record->box, record->box_count, boxes);
    text(out, boxes);
    fprintf(out, "%u,%u,", record->width, record->height);
    text(out, record->media_type);
    fprintf(out, "%llu,%s,", (unsigned long long)record->image_bytes, record->image_kept ? "true" : "false");
    text(out, record->sha256);
    ms(out, record->decode_us, ",");
    ms(out, record->queue_us, ",");
    ms(out, record->inference_us, ",");
    ms(out, record->store_us, ",");
    ms(out, record->total_us, ",");
    known_ms(out, record->receive_us, ",");
    known_ms(out, record->wait_us, ",");
    api_suspect_text(record->suspect, ' ', reasons);
    fprintf(out, "%s,%s,%s,", record->suspect ? "true" : "false", reasons,
            insp_record_late(record) ? "true" : "false");
    known_ms(out, record->takt_us ? record->takt_us : -1, ",");
    good_only(out, record);
    fprintf(out, "%s\r\n", record->good_decided ? "good_only" : "supervised");
}

int api_export_json_row(FILE *out, const struct insp_record *record) {
    json_t *json = api_inspection_json(record);
    int r = json ? json_dumpf(json, out, JSON_COMPACT | JSON_REAL_PRECISION(9)) : -1;
    json_decref(json);
    putc_unlocked('\n', out);
    return r;
}
