/* tests/unit/report_fixture.h - makes reports from text with single quotes and captures the output of a function.
 */
#ifndef INSP_TESTS_REPORT_FIXTURE_H
#define INSP_TESTS_REPORT_FIXTURE_H

#include "tests/unit/harness.h"

#include <jansson.h>
#include <string.h>

/* New reference. */
static inline json_t *parsed(const char *text) {
    char *json = strdup(text);
    for (char *p = json; *p; p++)
        if (*p == '\'')
            *p = '"';
    json_error_t error;
    json_t *value = json_loads(json, 0, &error);
    ck_assert_msg(value != NULL, "%s", error.text);
    free(json);
    return value;
}

static inline void ck_says(const char *text, const char *expected) {
    ck_assert_msg(strstr(text, expected) != NULL, "\"%s\" is not in:\n%s", expected, text);
}

static inline void ck_says_not(const char *text, const char *unwanted) {
    ck_assert_msg(strstr(text, unwanted) == NULL, "\"%s\" is in:\n%s", unwanted, text);
}

static inline size_t times(const char *text, const char *part) {
    size_t count = 0;
    for (; (text = strstr(text, part)); text += strlen(part))
        count++;
    return count;
}

/* Declares `name`, the text that `statement` writes to `out`; the caller frees it. */
#define WRITTEN(name, statement)                                                                                  \
    char *name = NULL;                                                                                            \
    {                                                                                                             \
        size_t name##_bytes;                                                                                      \
        FILE *out = open_memstream(&name, &name##_bytes);                                                         \
        statement;                                                                                                \
        fclose(out);                                                                                              \
    }

/* Every figure that a report can have. */
#define SAMPLE_METRICS                                                                                            \
    "{'images':38,'summary':'18 of 20 anomalies "                                                                 \
    "found','missed':2,'false_alarms':1,'confusion':{'actual_anomaly':"                                           \
    "{'predicted_anomaly':18,'predicted_good':2},'actual_good':{'predicted_anomaly':1,'predicted_good':17}},"     \
    "'accuracy':{'value':0.921,'low':0.79,'high':0.973,'hits':35,'of':38},"                                       \
    "'recall':{'value':0.9,'low':0.699,'high':0.972,'hits':18,'of':20},"                                          \
    "'specificity':{'value':0.944,'low':0.742,'high':0.99,'hits':17,'of':18},"                                    \
    "'precision':{'value':null,'low':null,'high':null,'hits':0,'of':0},'balanced_accuracy':0.922,'f1':0.923,"     \
    "'roc_auc':0.981,'by_type':{'<hole>':{'value':0.9,'low':0.7,'high':0.97,'hits':18,'of':20}}}"

/* The verdicts of a version with both models. */
#define SAMPLE_SERVED                                                                                             \
    "{'decided_by':'supervised','good_parts':{'good':16,'review':1,'anomaly':1},'anomalies':{'good':0,"           \
    "'review':2,'anomaly':18},'passed':{'value':0.889,'low':0.67,'high':0.969,'hits':16,'of':18},"                \
    "'stopped':{'value':1,'low':0.839,'high':1,'hits':20,'of':20},'by_type':{},'reasons':{'unlike_good':"         \
    "{'good_parts':1,'anomalies':2}},'scores':{'supervised':" SAMPLE_METRICS                                      \
    ",'good_only':{'roc_auc':0.75,'recall':{'value':0.6},'specificity':{'value':0.95}}}}"

/* A threshold that keeps one of two promises. */
#define SAMPLE_PROMISE                                                                                            \
    "{'threshold':0.4375,'from':'folds','kept':false,'overlap':true,'missed':{'allowed':0.05,'kept':true,"        \
    "'hits':0,'of':80,'at_most':0.0368,'more_needed':0},'rejected':{'allowed':0.05,'kept':false,'hits':4,"        \
    "'of':90,'at_most':0.0988,'more_needed':1200},'reason':'1200 more good images','preventing':["                \
    "{'path':'train/good/<7>.png','type':'good','probability':0.75}]}"

#endif
