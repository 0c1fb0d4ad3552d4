// SPDX-License-Identifier: BSD-2-Clause
#include "cli/simulate/simulate.h"

#include <inttypes.h>

/* Four panels, one below the other, over one axis of time. */

enum {
    WIDTH = 960,
    LEFT = 84,
    RIGHT = 24,
    PLOT_WIDTH = WIDTH - LEFT - RIGHT,
    LINE_HEIGHT = 20,
    HEAD = 66, /* title and what is beside it; then a line for each strategy */
    PANEL_HEIGHT = 130,
    PANEL_GAP = 44,
    FOOT = 50,    /* the times, and what they are */
    POINT_PX = 2, /* between the points of a curve */
    TICKS = 5,
    TIME_TICKS = 12,
    MINUTE_S = 60,
    MINUTES_FROM_S = 600 /* from this duration on, the axis has minutes */
};

static const char *const colours[SIMULATE_PLOT_MOST] = {"#0072b2", "#d55e00", "#00815c"};

static const char *colour(size_t which)
{
    return colours[which % SIMULATE_PLOT_MOST];
}

struct panel {
    const char *title;
    double (*value)(const struct simulate_config *config, const struct simulate_sample *sample);
    bool per_cent, has_capacity;
};

static double unreachable(const struct simulate_config *config, const struct simulate_sample *sample)
{
    return config->agents > 0 ? 100.0 * sample->unreachable / config->agents : 0;
}

static double asked(const struct simulate_config *config, const struct simulate_sample *sample)
{
    (void)config;
    return (double)sample->asked / sample->length_s;
}

static double served(const struct simulate_config *config, const struct simulate_sample *sample)
{
    (void)config;
    return (double)sample->served / sample->length_s;
}

static double lost(const struct simulate_config *config, const struct simulate_sample *sample)
{
    (void)config;
    return (double)sample->calls_lost / sample->length_s;
}

static const struct panel panels[] = {
    {"User agents unreachable, %", unreachable, true, false},
    {"Registrations asked for, per second", asked, false, false},
    {"Registrations served, per second", served, false, true},
    {"Calls lost, per second", lost, false, false},
};

enum { PANELS = sizeof panels / sizeof panels[0] };

struct plot {
    FILE *out;
    const struct simulate_report *report;
    int top; /* of the panel that is drawn */
    double most;
};

static double panel_most(const struct simulate_report *report, const struct panel *panel)
{
    double most = 0;
    for (size_t i = 0; i < report->count; i++) {
        for (size_t j = 0; j < report->results[i].count; j++) {
            double value = panel->value(report->config, &report->results[i].samples[j]);
            most = value > most ? value : most;
        }
    }
    return most;
}

/* 1, 2 or 5 times a power of ten: no more than `count` of them make `most`. */
static double tick_step(double most, int count)
{
    static const double factors[] = {1, 2, 5};
    double power = 1;
    for (;; power *= 10) {
        for (size_t i = 0; i < sizeof factors / sizeof factors[0]; i++) {
            if (factors[i] * power * count >= most)
                return factors[i] * power;
        }
    }
}

static double x_of(const struct plot *plot, double seconds)
{
    return LEFT + PLOT_WIDTH * seconds / plot->report->config->duration_s;
}

static double y_of(const struct plot *plot, double value)
{
    return plot->top + PANEL_HEIGHT * (1 - value / plot->most);
}

static void draw_outage(const struct plot *plot)
{
    const struct simulate_config *config = plot->report->config;
    const double end = (double)config->at_s + config->down_s;
    const double from = x_of(plot, config->at_s);
    const double to = x_of(plot, end < config->duration_s ? end : config->duration_s);
    fprintf(plot->out, "<rect class=\"outage\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\"/>\n", from, plot->top,
            to - from > 1 ? to - from : 1, PANEL_HEIGHT);
}

static void draw_values(const struct plot *plot, double step)
{
    char text[SIMULATE_NUMBER_SIZE];
    for (int i = 0; i * step <= plot->most; i++) {
        const double y = y_of(plot, i * step);
        fprintf(plot->out,
                "<path class=\"grid\" d=\"M%d %.1fh%d\"/><text class=\"value\" x=\"%d\" y=\"%.1f\">%s</text>\n", LEFT,
                y, PLOT_WIDTH, LEFT - 8, y + 4, simulate_number(text, (uint64_t)(i * step)));
    }
}

static bool in_minutes(const struct plot *plot)
{
    return plot->report->config->duration_s >= MINUTES_FROM_S;
}

static void draw_times(const struct plot *plot)
{
    const double unit = in_minutes(plot) ? MINUTE_S : 1;
    const double most = plot->report->config->duration_s / unit;
    const double step = tick_step(most, TIME_TICKS);
    for (int i = 0; i * step <= most; i++) {
        const double x = x_of(plot, i * step * unit);
        fprintf(plot->out,
                "<path class=\"grid\" d=\"M%.1f %dv%d\"/><text class=\"time\" x=\"%.1f\" y=\"%d\">%.0f</text>\n", x,
                plot->top, PANEL_HEIGHT, x, plot->top + PANEL_HEIGHT + LINE_HEIGHT - 2, i * step);
    }
}

static void draw_capacity(const struct plot *plot)
{
    const double capacity = plot->report->config->capacity;
    char text[SIMULATE_NUMBER_SIZE];
    if (capacity == 0 || capacity > plot->most)
        return;
    const double y = y_of(plot, capacity);
    fprintf(plot->out,
            "<path class=\"capacity\" d=\"M%d %.1fh%d\"/><text class=\"note\" x=\"%d\" y=\"%.1f\">the registrar takes "
            "%s</text>\n",
            LEFT, y, PLOT_WIDTH, WIDTH - RIGHT - 4, y - 5, simulate_number(text, (uint64_t)capacity));
}

/* Of the samples that share a point, the highest. */
static double point_value(const struct plot *plot, const struct panel *panel, const struct simulate_result *result,
                          size_t point, size_t points)
{
    double most = 0;
    for (size_t i = point * result->count / points; i < (point + 1) * result->count / points; i++) {
        double value = panel->value(plot->report->config, &result->samples[i]);
        most = value > most ? value : most;
    }
    return most;
}

/* Points on a level stretch are left out but for its ends. */
static void draw_curve(const struct plot *plot, const struct panel *panel, size_t which)
{
    const struct simulate_result *result = &plot->report->results[which];
    const size_t room = PLOT_WIDTH / POINT_PX;
    const size_t points = result->count < room ? result->count : room;
    double held_x = 0, last_y = -1;
    bool held = false;
    fprintf(plot->out, "<path class=\"curve\" stroke=\"%s\" d=\"", colour(which));
    for (size_t i = 0; i < points; i++) {
        const size_t end = (i + 1) * result->count / points;
        const double x = x_of(plot, result->samples[end - 1].time_s);
        const double y = y_of(plot, point_value(plot, panel, result, i, points));
        const bool level = i > 0 && y - last_y < 0.05 && last_y - y < 0.05;
        if (held && (!level || i + 1 == points))
            fprintf(plot->out, "H%.1f", held_x);
        if (!level || i + 1 == points)
            fprintf(plot->out, "%c%.1f %.1f", i == 0 ? 'M' : 'L', x, y);
        held = level;
        held_x = x;
        last_y = level ? last_y : y;
    }
    fputs("\"/>\n", plot->out);
}

static void draw_panel(struct plot *plot, size_t number)
{
    const struct panel *panel = &panels[number];
    const struct simulate_report *report = plot->report;
    const double step = tick_step(panel->per_cent ? 100 : panel_most(report, panel), TICKS);
    plot->top = HEAD + LINE_HEIGHT * (int)report->count + PANEL_GAP + (int)number * (PANEL_HEIGHT + PANEL_GAP);
    plot->most = step * TICKS;
    while (!panel->per_cent && plot->most - step >= panel_most(report, panel) && plot->most > step)
        plot->most -= step;
    draw_outage(plot);
    draw_values(plot, step);
    draw_times(plot);
    if (panel->has_capacity)
        draw_capacity(plot);
    for (size_t i = 0; i < report->count; i++)
        draw_curve(plot, panel, i);
    fprintf(plot->out, "<text class=\"panel\" x=\"%d\" y=\"%d\">%s</text>\n", LEFT, plot->top - 8, panel->title);
}

static void draw_legend(const struct plot *plot, size_t which)
{
    const struct simulate_result *result = &plot->report->results[which];
    const int y = HEAD + LINE_HEIGHT * (int)(which + 1);
    char peak[SIMULATE_NUMBER_SIZE], after[SIMULATE_NUMBER_SIZE], calls[SIMULATE_NUMBER_SIZE];
    simulate_number(after, result->reachable_after_s);
    fprintf(plot->out,
            "<path class=\"curve\" stroke=\"%s\" d=\"M%d %dh28\"/><text x=\"%d\" y=\"%d\"><tspan class=\"name\">%s"
            "</tspan>: 99 %% reachable %s%s%s, %s calls lost, up to %s registrations/s asked for</text>\n",
            colour(which), LEFT, y - 5, LEFT + 36, y, plot->report->strategies[which].name,
            result->reachable_after_s == SIMULATE_NEVER ? "not by the end" : "after ",
            result->reachable_after_s == SIMULATE_NEVER ? "" : after,
            result->reachable_after_s == SIMULATE_NEVER ? "" : " s", simulate_number(calls, result->calls_lost),
            simulate_number(peak, result->peak_asked));
}

static void draw_head(const struct plot *plot)
{
    fprintf(plot->out, "<text class=\"title\" x=\"%d\" y=\"30\">", LEFT);
    simulate_print_title(plot->out, plot->report->config);
    fprintf(plot->out, "</text>\n<text class=\"note\" style=\"text-anchor:start\" x=\"%d\" y=\"52\">", LEFT);
    fprintf(plot->out, "Shaded: the outage. %" PRIu32 " calls a second, seed %" PRIu32 ".</text>\n",
            plot->report->config->calls_per_second, plot->report->config->seed);
    for (size_t i = 0; i < plot->report->count; i++)
        draw_legend(plot, i);
}

void simulate_print_svg(FILE *out, const struct simulate_report *report)
{
    struct plot plot = {.out = out, .report = report};
    const int height = HEAD + LINE_HEIGHT * (int)report->count + PANELS * (PANEL_HEIGHT + PANEL_GAP) + FOOT;
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">\n"
            "<style>text{font:14px 'DejaVu Sans',Verdana,Arial,sans-serif;fill:#222}.title{font-size:17px;"
            "font-weight:bold}.panel,.name{font-weight:bold}.value{text-anchor:end;font-size:12px}"
            ".time{text-anchor:middle;font-size:12px}.note{text-anchor:end;font-size:12px;fill:#555}"
            ".grid{stroke:#ddd;fill:none}.outage{fill:#f7c9c9}.capacity{stroke:#555;stroke-dasharray:6 4;fill:none}"
            ".curve{fill:none;stroke-width:2;stroke-linejoin:round}</style>\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
            WIDTH, height, WIDTH, height);
    draw_head(&plot);
    for (size_t i = 0; i < PANELS; i++)
        draw_panel(&plot, i);
    fprintf(out, "<text class=\"time\" x=\"%d\" y=\"%d\">time, %s</text>\n</svg>\n", LEFT + PLOT_WIDTH / 2, height - 12,
            in_minutes(&plot) ? "minutes" : "seconds");
}
