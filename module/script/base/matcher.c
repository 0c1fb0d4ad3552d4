// SPDX-License-Identifier: BSD-2-Clause
#include "script/base/matcher.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include <lauxlib.h>

#include "script/base/watch.h"

enum { DEPTH_MOST = 200, STEPS_BETWEEN_CHECKS = 4096, LOOKED_AT_ONCE = 8, COMPARED_AT_ONCE = 64 };

static const char *run(struct matcher *m, const char *s, const char *p);

static inline void steps(struct matcher *m, size_t count)
{
    m->steps += (unsigned)count;
    if (m->steps < STEPS_BETWEEN_CHECKS)
        return;
    m->steps = 0;
    watch_check(m->L);
}

void matcher_spend(struct matcher *matcher, size_t count)
{
    steps(matcher, count);
}

static inline void step(struct matcher *m)
{
    steps(m, 1);
}

/* Finds the end of the single-character item at p: a character, %class or [set]. */
static const char *item_end(struct matcher *m, const char *p)
{
    char first = *p++;
    if (first == '%') {
        if (p == m->pattern_end)
            luaL_error(m->L, "malformed pattern (ends with '%%')");
        return p + 1;
    }
    if (first != '[')
        return p;
    if (p < m->pattern_end && *p == '^')
        p++;
    bool first_in_set = true; // a ] there is an ordinary member
    while (p < m->pattern_end && (*p != ']' || first_in_set)) {
        first_in_set = false;
        p += *p == '%' && p + 1 < m->pattern_end ? 2 : 1;
    }
    if (p >= m->pattern_end)
        luaL_error(m->L, "malformed pattern (missing ']')");
    return p + 1;
}

static bool in_class(unsigned char c, unsigned char name)
{
    int in;
    switch (tolower(name)) {
    case 'a':
        in = isalpha(c);
        break;
    case 'c':
        in = iscntrl(c);
        break;
    case 'd':
        in = isdigit(c);
        break;
    case 'g':
        in = isgraph(c);
        break;
    case 'l':
        in = islower(c);
        break;
    case 'p':
        in = ispunct(c);
        break;
    case 's':
        in = isspace(c);
        break;
    case 'u':
        in = isupper(c);
        break;
    case 'w':
        in = isalnum(c);
        break;
    case 'x':
        in = isxdigit(c);
        break;
    case 'z':
        in = c == '\0';
        break;
    default:
        return name == c;
    }
    return (in != 0) != (isupper(name) != 0);
}

/* p is at the [, end after the ]. */
static bool in_set(unsigned char c, const char *p, const char *end)
{
    const char *last = end - 1;
    bool complement = p[1] == '^';
    p += complement ? 2 : 1;
    while (p < last) {
        unsigned char low = (unsigned char)*p;
        if (low == '%' && p + 1 < last) {
            if (in_class(c, (unsigned char)p[1]))
                return !complement;
            p += 2;
        } else if (p + 2 < last && p[1] == '-') {
            if (low <= c && c <= (unsigned char)p[2])
                return !complement;
            p += 3;
        } else {
            if (low == c)
                return !complement;
            p++;
        }
    }
    return complement;
}

/* Returns whether the character at s matches the item from p to end. */
static bool matches_item(struct matcher *m, const char *s, const char *p, const char *end)
{
    step(m);
    if (s >= m->subject_end)
        return false;
    unsigned char c = (unsigned char)*s;
    switch (*p) {
    case '.':
        return true;
    case '%':
        return in_class(c, (unsigned char)p[1]);
    case '[':
        steps(m, (size_t)(end - p) / LOOKED_AT_ONCE); // a long set is looked through each time
        return in_set(c, p, end);
    default:
        return (unsigned char)*p == c;
    }
}

/* item*: tries as many as possible, then fewer until the rest matches. */
static const char *longest(struct matcher *m, const char *s, const char *p, const char *end)
{
    ptrdiff_t count = 0;
    while (matches_item(m, s + count, p, end))
        count++;
    for (; count >= 0; count--) {
        const char *result = run(m, s + count, end + 1);
        if (result != NULL)
            return result;
    }
    return NULL;
}

/* item-: tries none, then more until the rest matches. */
static const char *shortest(struct matcher *m, const char *s, const char *p, const char *end)
{
    for (;;) {
        const char *result = run(m, s, end + 1);
        if (result != NULL)
            return result;
        if (!matches_item(m, s, p, end))
            return NULL;
        s++;
    }
}

static const char *begin_capture(struct matcher *m, const char *s, const char *p, ptrdiff_t kind)
{
    if (m->level >= CAPTURES_MOST)
        luaL_error(m->L, "too many captures");
    m->captures[m->level] = (struct capture){s, kind};
    m->level++;
    const char *result = run(m, s, p);
    if (result == NULL)
        m->level--;
    return result;
}

static const char *end_capture(struct matcher *m, const char *s, const char *p)
{
    unsigned open = m->level;
    while (open > 0 && m->captures[open - 1].length != CAPTURE_OPEN)
        open--;
    if (open == 0) {
        luaL_error(m->L, "invalid pattern capture");
        return NULL;
    }
    m->captures[open - 1].length = s - m->captures[open - 1].start;
    const char *result = run(m, s, p);
    if (result == NULL)
        m->captures[open - 1].length = CAPTURE_OPEN;
    return result;
}

/* %bxy */
static const char *balanced(struct matcher *m, const char *s, const char *p)
{
    if (p + 1 >= m->pattern_end)
        luaL_error(m->L, "malformed pattern (missing arguments to '%%b')");
    if (s >= m->subject_end || *s != *p)
        return NULL;
    size_t depth = 1;
    while (++s < m->subject_end) {
        step(m);
        if (*s == p[1]) {
            if (--depth == 0)
                return s + 1;
        } else if (*s == *p) {
            depth++;
        }
    }
    return NULL;
}

/* %f[set]: between a character outside the set and one inside; \0 counts as the character before and after the
   subject. Returns the pattern after it, or NULL if s is not a frontier. */
static const char *frontier(struct matcher *m, const char *s, const char *p)
{
    if (p >= m->pattern_end || *p != '[')
        luaL_error(m->L, "missing '[' after '%%f' in pattern");
    const char *end = item_end(m, p);
    unsigned char before = s == m->subject ? '\0' : (unsigned char)s[-1];
    unsigned char here = s == m->subject_end ? '\0' : (unsigned char)*s;
    steps(m, (size_t)(end - p) / LOOKED_AT_ONCE);
    return !in_set(before, p, end) && in_set(here, p, end) ? end : NULL;
}

/* %1 to %9 */
static const char *backreference(struct matcher *m, const char *s, unsigned char digit)
{
    unsigned index = (unsigned)(digit - '1');
    if (digit == '0' || index >= m->level || m->captures[index].length == CAPTURE_OPEN)
        luaL_error(m->L, "invalid capture index %%%d", (int)index + 1);
    const struct capture *capture = &m->captures[index];
    size_t length = (size_t)capture->length;
    if (capture->length == CAPTURE_POSITION) // as Lua has it: a position is no text
        return NULL;
    steps(m, length / COMPARED_AT_ONCE);
    if ((size_t)(m->subject_end - s) < length || memcmp(capture->start, s, length) != 0)
        return NULL;
    return s + length;
}

/* A % item that is not a class: advances *p, and sets *s to the end of the match (NULL: no match). Returns false if
   it is a class. */
static bool special(struct matcher *m, const char **s, const char **p)
{
    unsigned char kind = *p + 1 < m->pattern_end ? (unsigned char)(*p)[1] : 0;
    step(m);
    if (kind == 'b') {
        *s = balanced(m, *s, *p + 2);
        *p += 4;
    } else if (kind == 'f') {
        const char *behind = frontier(m, *s, *p + 2);
        if (behind == NULL)
            *s = NULL;
        else
            *p = behind;
    } else if (isdigit(kind)) {
        *s = backreference(m, *s, kind);
        *p += 2;
    } else {
        return false;
    }
    return true;
}

/* Matches one item with its suffix. If *more is set, matching continues at *s and *p; otherwise the result is
   returned. */
static const char *repeated(struct matcher *m, const char **s, const char **p, bool *more)
{
    const char *end = item_end(m, *p);
    char suffix = end < m->pattern_end ? *end : '\0';
    const char *result;
    *more = false;
    switch (suffix) {
    case '*':
        return longest(m, *s, *p, end);
    case '+':
        return matches_item(m, *s, *p, end) ? longest(m, *s + 1, *p, end) : NULL;
    case '-':
        return shortest(m, *s, *p, end);
    case '?':
        if (matches_item(m, *s, *p, end) && (result = run(m, *s + 1, end + 1)) != NULL)
            return result;
        *p = end + 1;
        break;
    default:
        if (!matches_item(m, *s, *p, end))
            return NULL;
        (*s)++;
        *p = end;
    }
    *more = true;
    return NULL;
}

static const char *run_items(struct matcher *m, const char *s, const char *p)
{
    while (p < m->pattern_end) {
        bool more;
        if (*p == '(')
            return p + 1 < m->pattern_end && p[1] == ')' ? begin_capture(m, s, p + 2, CAPTURE_POSITION)
                                                         : begin_capture(m, s, p + 1, CAPTURE_OPEN);
        if (*p == ')')
            return end_capture(m, s, p + 1);
        if (*p == '$' && p + 1 == m->pattern_end)
            return s == m->subject_end ? s : NULL;
        if (*p == '%' && special(m, &s, &p)) {
            if (s == NULL)
                return NULL;
            continue;
        }
        const char *result = repeated(m, &s, &p, &more);
        if (!more)
            return result;
    }
    return s;
}

static const char *run(struct matcher *m, const char *s, const char *p)
{
    if (++m->depth > DEPTH_MOST)
        luaL_error(m->L, "pattern too complex");
    const char *result = run_items(m, s, p);
    m->depth--;
    return result;
}

void matcher_create(struct matcher *matcher, lua_State *L, struct text subject, struct text pattern)
{
    matcher->L = L;
    matcher->subject = subject.at;
    matcher->subject_end = subject.at + subject.length;
    matcher->pattern_end = pattern.at + pattern.length;
    matcher->steps = 0;
    matcher->depth = 0;
    matcher->level = 0;
}

const char *matcher_run(struct matcher *matcher, const char *at, const char *pattern)
{
    matcher->level = 0;
    matcher->depth = 0;
    step(matcher);
    return run(matcher, at, pattern);
}

void matcher_push_capture(struct matcher *matcher, unsigned index, const char *from, const char *to)
{
    lua_State *L = matcher->L;
    if (index >= matcher->level) {
        if (index != 0)
            luaL_error(L, "invalid capture index %%%d", (int)index + 1);
        lua_pushlstring(L, from, (size_t)(to - from));
        return;
    }
    const struct capture *capture = &matcher->captures[index];
    if (capture->length == CAPTURE_OPEN)
        luaL_error(L, "unfinished capture");
    if (capture->length == CAPTURE_POSITION)
        lua_pushinteger(L, capture->start - matcher->subject + 1);
    else
        lua_pushlstring(L, capture->start, (size_t)capture->length);
}

int matcher_push_captures(struct matcher *matcher, const char *from, const char *to)
{
    unsigned count = matcher->level == 0 && from != NULL ? 1 : matcher->level;
    luaL_checkstack(matcher->L, (int)count, "too many captures");
    for (unsigned i = 0; i < count; i++)
        matcher_push_capture(matcher, i, from, to);
    return (int)count;
}
