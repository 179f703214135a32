#include "core/report/html.h"

#include <math.h>

static void put(FILE *out, char c) {
    switch (c) {
    case '&':
        fputs("&amp;", out);
        return;
    case '<':
        fputs("&lt;", out);
        return;
    case '>':
        fputs("&gt;", out);
        return;
    case '"':
        fputs("&quot;", out);
        return;
    case '\'':
        fputs("&#39;", out);
        return;
    default:
        if ((unsigned char)c < ' ' || c == 0x7f)
            fputs("\xef\xbf\xbd", out);
        else
            fputc(c, out);
    }
}

void insp_html_text(FILE *out, const char *text) {
    for (; *text; text++)
        put(out, *text);
}

void insp_html_foreign(FILE *out, const char *text) {
    fputs("<bdi>", out);
    insp_html_text(out, text);
    fputs("</bdi>", out);
}

void insp_html_words(FILE *out, const char *key) {
    for (; *key; key++)
        put(out, *key == '_' ? ' ' : *key);
}

void insp_html_percent(FILE *out, double share) {
    if (!isfinite(share))
        fputs("–", out);
    else
        fprintf(out, "%.*f %%", share >= 1 || share <= 0 ? 0 : 1, 100 * share);
}
