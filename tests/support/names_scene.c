// SPDX-License-Identifier: BSD-2-Clause
#include "names_scene.h"

static uint64_t scene_now(void *context)
{
    const struct names_scene *scene = context;
    return uv_now(&scene->loop) + scene->moved_ms;
}

static uint32_t scene_random(void *context)
{
    struct names_scene *scene = context;
    return scene->fake.host.random(scene->fake.host.context);
}

static void *scene_allocate(void *context, void *old, size_t old_size, size_t new_size)
{
    struct names_scene *scene = context;
    return scene->fake.host.allocate(scene->fake.host.context, old, old_size, new_size);
}

void names_scene_open(struct names_scene *scene, struct names_limits limits)
{
    struct names_config config = {.loop = &scene->loop, .host = &scene->host, .limits = limits, .server_count = 1};
    config.servers[0] = scene->dns.address;
    assert_int_equal(names_new(&scene->names, &config), 0);
}

static void on_turn(uv_timer_t *timer)
{
    (void)timer;
}

int names_scene_begin(void **state)
{
    static struct names_scene scene;
    memset(&scene, 0, sizeof scene);
    fake_host_create(&scene.fake);
    scene.host =
        (struct host){.context = &scene, .now_ms = scene_now, .allocate = scene_allocate, .random = scene_random};
    assert_int_equal(uv_loop_init(&scene.loop), 0);
    fake_dns_create(&scene.dns, &scene.loop);
    uv_timer_init(&scene.loop, &scene.turn);
    uv_timer_start(&scene.turn, on_turn, 1, 5);
    names_scene_open(&scene, (struct names_limits){0});
    *state = &scene;
    return 0;
}

int names_scene_end(void **state)
{
    struct names_scene *scene = *state;
    names_close(scene->names);
    fake_dns_close(&scene->dns);
    uv_close((uv_handle_t *)&scene->turn, NULL);
    uv_run(&scene->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&scene->loop), 0);
    names_delete(scene->names);
    assert_int_equal(scene->fake.allocated, 0);
    return 0;
}
