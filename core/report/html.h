/* core/report/html.h - text into HTML. Errors of the stream show in ferror; nothing else can fail. */
#ifndef INSP_REPORT_HTML_H
#define INSP_REPORT_HTML_H

#include <stdio.h>

/* Writes UTF-8 as text or attribute value (in double quotes): & < > " ' become references, control characters
 * U+FFFD. */
void insp_html_text(FILE *out, const char *text);

/* A text from outside (file, product, defect names) within <bdi>, so that letters of the other writing direction
 * in it cannot turn around what stands beside it. */
void insp_html_foreign(FILE *out, const char *text);

/* A key as words: "class_weights" -> "class weights", escaped. */
void insp_html_words(FILE *out, const char *key);

/* 0..1 as "97.3 %", or "100 %"; "–" for a NaN. */
void insp_html_percent(FILE *out, double share);

#endif
