#include "daemon/grab/grab_account.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { SHORT_LAST = 65535, GAP_MAX = 10000 };

const char *grab_refusal_name(enum grab_refusal refusal) {
    static const char *const names[GRAB_REFUSALS] = {
        [GRAB_LOST] = "lost",       [GRAB_INCOMPLETE] = "incomplete",
        [GRAB_FORMAT] = "format",   [GRAB_UNTRIGGERED] = "untriggered",
        [GRAB_BEHIND] = "behind",   [GRAB_REFUSED] = "daemon",
        [GRAB_AWAY] = "away",       [GRAB_UNANSWERED] = "unanswered",
        [GRAB_STOPPED] = "stopped",
    };
    return names[refusal];
}

static const char *const verdict_names[GRAB_VERDICTS] = {"good", "anomaly", "review"};

void grab_account_connected(struct grab_account *account) {
    account->last_id = 0;
}

/* Returns how many numbers lie between two; 0 for a new start. */
static uint64_t gap(uint64_t last, uint64_t id) {
    uint64_t between = 0;
    if (id > last)
        between = id - last - 1;
    else if (last <= SHORT_LAST && last > SHORT_LAST - GAP_MAX && id >= 1)
        between = SHORT_LAST - last + id - 1; /* 0 is not used */
    return between > GAP_MAX ? 0 : between;
}

uint64_t grab_account_frame(struct grab_account *account, uint64_t id) {
    uint64_t lost = account->last_id ? gap(account->last_id, id) : 0;
    account->last_id = id;
    account->frames += 1 + lost;
    account->refused[GRAB_LOST] += lost;
    return lost;
}

void grab_account_refuse(struct grab_account *account, enum grab_refusal refusal) {
    account->refused[refusal]++;
}

void grab_account_code(struct grab_account *account, const char *code) {
    size_t i = 0;
    grab_account_refuse(account, GRAB_REFUSED);
    while (i < GRAB_CODES - 1 && account->code[i].count && strcmp(account->code[i].name, code) != 0)
        i++;
    if (!account->code[i].count)
        snprintf(account->code[i].name, GRAB_CODE_BYTES, "%s", i < GRAB_CODES - 1 ? code : "other");
    account->code[i].count++;
}

bool grab_account_verdict(struct grab_account *account, const char *verdict) {
    for (int i = 0; i < GRAB_VERDICTS; i++) {
        if (strcmp(verdict_names[i], verdict) != 0)
            continue;
        account->verdict[i]++;
        return true;
    }
    return false;
}

uint64_t grab_account_verdicts(const struct grab_account *account) {
    uint64_t sum = 0;
    for (int i = 0; i < GRAB_VERDICTS; i++)
        sum += account->verdict[i];
    return sum;
}

uint64_t grab_account_refused(const struct grab_account *account) {
    uint64_t sum = 0;
    for (int i = 0; i < GRAB_REFUSALS; i++)
        sum += account->refused[i];
    return sum;
}

struct text {
    char *at;
    size_t room;
};

static void add(struct text *text, const char *prefix, const char *name, uint64_t value) {
    int bytes = snprintf(text->at, text->room, "%s%s=%llu ", prefix, name, (unsigned long long)value);
    size_t used = bytes < 0 ? 0 : (size_t)bytes < text->room ? (size_t)bytes : text->room - 1;
    text->at += used;
    text->room -= used;
}

void grab_account_text(const struct grab_account *account, char ret[GRAB_TEXT_BYTES]) {
    const uint64_t verdicts = grab_account_verdicts(account), refused = grab_account_refused(account);
    struct text text = {ret, GRAB_TEXT_BYTES};
    add(&text, "", "frames", account->frames);
    for (int i = 0; i < GRAB_VERDICTS; i++)
        add(&text, "", verdict_names[i], account->verdict[i]);
    add(&text, "", "refused", refused);
    add(&text, "", "in_hand", account->frames - verdicts - refused);
    for (int i = 0; i < GRAB_REFUSALS; i++)
        add(&text, "", grab_refusal_name((enum grab_refusal)i), account->refused[i]);
    for (size_t i = 0; i < GRAB_CODES && account->code[i].count; i++)
        add(&text, "code.", account->code[i].name, account->code[i].count);
    if (text.at > ret)
        text.at[-1] = 0;
}
