// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "script/sources/sources.h"
#include "test.h"

/* A folder of its own for each test; what stands in it is removed at the end. */
struct folder {
    struct fake_host fake;
    char path[64];
    char error[400];
    struct sources *sources;
};

static int setup(void **state)
{
    struct folder *f = calloc(1, sizeof *f);
    fake_host_create(&f->fake);
    temporary_path(f->path, sizeof f->path, "reflow-sources-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct folder *f = *state;
    char command[128];
    sources_release(f->sources);
    snprintf(command, sizeof command, "rm -rf '%s'", f->path);
    assert_int_equal(system(command), 0);
    assert_int_equal(f->fake.allocated, 0);
    free(f);
    return 0;
}

static const char *in(const struct folder *f, const char *name)
{
    static _Thread_local char path[8][300];
    static _Thread_local unsigned turn;
    char *out = path[turn++ % 8];
    snprintf(out, sizeof path[0], "%s/%s", f->path, name);
    return out;
}

static void make_folder(const struct folder *f, const char *name)
{
    assert_int_equal(mkdir(in(f, name), 0700), 0);
}

static void write_file(const struct folder *f, const char *name, const char *text)
{
    FILE *file = fopen(in(f, name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static struct layer layer_at(const struct folder *f, const char *name, const char *path)
{
    struct layer layer = {.priority = 0};
    snprintf(layer.name, sizeof layer.name, "%s", name);
    snprintf(layer.path, sizeof layer.path, "%s", in(f, path));
    return layer;
}

static int read_into(struct folder *f, const struct layer *layers, size_t count, const struct sources_limits *limits)
{
    sources_release(f->sources);
    f->sources = NULL;
    f->error[0] = '\0';
    return sources_read(&f->sources, &f->fake.host, layers, count, limits, f->error, sizeof f->error);
}

static void assert_says(const struct folder *f, const char *part)
{
    if (strstr(f->error, part) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", f->error, part);
}

static void assert_file(const struct folder *f, size_t index, const char *name, const char *bytes)
{
    const struct source_file *file = sources_at(f->sources, index);
    assert_non_null(file);
    assert_string_equal(file->name.at, name);
    assert_int_equal(file->name.length, strlen(name));
    assert_string_equal(file->bytes.at, bytes);
    assert_int_equal(file->bytes.length, strlen(bytes));
}

/* Two layers, as a policy has them. */
static void two_layers(const struct folder *f, struct layer layers[2])
{
    make_folder(f, "b");
    make_folder(f, "b/lib");
    make_folder(f, "b/lib/deep");
    make_folder(f, "b/spec");
    make_folder(f, "s");
    write_file(f, "b/20-second.lua", "two");
    write_file(f, "b/10-first.lua", "one");
    write_file(f, "b/.#10-first.lua", "an editor's");
    write_file(f, "b/10-first.lua~", "an editor's");
    write_file(f, "b/notes.txt", "no program");
    write_file(f, "b/lib/trunks.lua", "trunks");
    write_file(f, "b/lib/deep/er.lua", "deeper");
    write_file(f, "b/spec/first_spec.lua", "its tests");
    write_file(f, "s/site.lua", "site");
    layers[0] = layer_at(f, "base", "b");
    layers[1] = layer_at(f, "site", "s");
    layers[1].priority = 10;
}

static void test_a_lone_file_has_its_path_for_a_name(void **state)
{
    struct folder *f = *state;
    write_file(f, "a.lua", "return 1");
    struct layer layer = layer_at(f, "", "a.lua");
    assert_int_equal(read_into(f, &layer, 1, NULL), 0);
    assert_int_equal(sources_count(f->sources), 1);
    assert_file(f, 0, layer.path, "return 1");
    assert_false(sources_at(f->sources, 0)->library);
    assert_null(sources_at(f->sources, 1));
    assert_null(sources_layer(f->sources, 1));
}

static void test_a_folder_gives_its_programs_by_name_then_its_library(void **state)
{
    struct folder *f = *state;
    struct layer layers[2];
    two_layers(f, layers);
    assert_int_equal(read_into(f, layers, 2, NULL), 0);
    assert_int_equal(sources_count(f->sources), 5);
    assert_file(f, 0, "base/10-first.lua", "one");
    assert_file(f, 1, "base/20-second.lua", "two");
    assert_file(f, 2, "base/lib/deep/er.lua", "deeper");
    assert_file(f, 3, "base/lib/trunks.lua", "trunks");
    assert_file(f, 4, "site/site.lua", "site");
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(sources_at(f->sources, i)->layer, i == 4 ? 1 : 0);
        assert_int_equal(sources_at(f->sources, i)->library, i == 2 || i == 3);
    }
    assert_int_equal(sources_layer_count(f->sources), 2);
    assert_int_equal(sources_layer(f->sources, 1)->priority, 10);
}

static void test_what_was_read_stays_whatever_happens_to_the_files(void **state)
{
    struct folder *f = *state;
    write_file(f, "a.lua", "old");
    struct layer layer = layer_at(f, "", "a.lua");
    assert_int_equal(read_into(f, &layer, 1, NULL), 0);
    write_file(f, "a.lua", "new and longer");
    assert_file(f, 0, layer.path, "old");
    assert_int_equal(unlink(layer.path), 0);
    assert_file(f, 0, layer.path, "old");
}

static void test_links_are_followed_as_a_mounted_configuration_has_them(void **state)
{
    struct folder *f = *state;
    make_folder(f, "c");
    make_folder(f, "c/..2026");
    write_file(f, "c/..2026/a.lua", "mounted");
    assert_int_equal(symlink("..2026", in(f, "c/..data")), 0);
    assert_int_equal(symlink("..data/a.lua", in(f, "c/a.lua")), 0);
    struct layer layer = layer_at(f, "base", "c");
    assert_int_equal(read_into(f, &layer, 1, NULL), 0);
    assert_int_equal(sources_count(f->sources), 1);
    assert_file(f, 0, "base/a.lua", "mounted");
}

/* One change at a time, each of which makes another policy. */
/* The author of a layer must not read what the server can: no file and no folder, by no way. */
static void test_no_link_leads_out_of_a_layer(void **state)
{
    struct folder *f = *state;
    static const char *const links[][2] = {{"secret.lua", "b/20-x.lua"},
                                           {"secret.lua", "b/lib/x.lua"},
                                           {"secret.lua", "b/lib/deep/x.lua"},
                                           {"outside", "b/lib/x"},
                                           {"bb", "b/lib/x"},
                                           {"bb/x.lua", "b/lib/x.lua"}};
    static const char *const up[] = {"..", "../..", "../../..", "../..", "../..", "../.."};
    char target[300];
    struct layer layer = layer_at(f, "base", "b");
    make_folder(f, "b");
    make_folder(f, "b/lib");
    make_folder(f, "b/lib/deep");
    make_folder(f, "outside");
    make_folder(f, "bb"); // its name begins as that of the layer
    write_file(f, "b/10-a.lua", "-- a");
    write_file(f, "secret.lua", "secret");
    write_file(f, "outside/y.lua", "secret");
    write_file(f, "bb/x.lua", "secret");
    for (size_t i = 0; i < 2 * sizeof links / sizeof links[0]; i++) {
        const char *const *link = links[i / 2];
        snprintf(target, sizeof target, "%s/%s", i % 2 != 0 ? f->path : up[i / 2], link[0]);
        assert_int_equal(symlink(target, in(f, link[1])), 0);
        assert_int_equal(read_into(f, &layer, 1, NULL), -EXDEV);
        assert_says(f, "leads out of the folder of the policy");
        assert_int_equal(unlink(in(f, link[1])), 0);
    }
    assert_int_equal(symlink(in(f, "outside"), in(f, "b/lib/x")), 0);
    assert_int_equal(unlink(in(f, "outside/y.lua")), 0);
    assert_int_equal(read_into(f, &layer, 1, NULL), -EXDEV); // nor does an empty folder
    assert_int_equal(unlink(in(f, "b/lib/x")), 0);
    assert_int_equal(symlink(in(f, "b/10-a.lua"), in(f, "b/lib/x.lua")), 0);
    assert_int_equal(read_into(f, &layer, 1, NULL), 0);
    assert_int_equal(symlink(in(f, "b"), in(f, "link")), 0); // the operator names the layer itself
    layer = layer_at(f, "base", "link");
    assert_int_equal(read_into(f, &layer, 1, NULL), 0);
}

static void test_names_of_files_are_printable(void **state)
{
    struct folder *f = *state;
    struct layer layer = layer_at(f, "base", "b");
    make_folder(f, "b");
    write_file(f, "b/a\033[2J.lua", "-- a");
    assert_int_equal(read_into(f, &layer, 1, NULL), -EINVAL);
    assert_says(f, "a\\x1b[2J.lua: the name of the file has a control character");
}

static void test_the_hash_is_of_names_layers_and_bytes(void **state)
{
    struct folder *f = *state;
    struct layer layers[2];
    uint64_t seen[7];
    two_layers(f, layers);
    assert_int_equal(read_into(f, layers, 2, NULL), 0);
    seen[0] = sources_hash(f->sources);
    assert_int_equal(read_into(f, layers, 2, NULL), 0);
    assert_int_equal(sources_hash(f->sources), seen[0]);
    layers[0].priority = 1;
    assert_int_equal(read_into(f, layers, 2, NULL), 0);
    seen[1] = sources_hash(f->sources);
    snprintf(layers[1].tenant, sizeof layers[1].tenant, "example.com");
    assert_int_equal(read_into(f, layers, 2, NULL), 0);
    seen[2] = sources_hash(f->sources);
    snprintf(layers[1].name, sizeof layers[1].name, "other");
    assert_int_equal(read_into(f, layers, 2, NULL), 0);
    seen[3] = sources_hash(f->sources);
    write_file(f, "b/lib/trunks.lua", "trunkz");
    assert_int_equal(read_into(f, layers, 2, NULL), 0);
    seen[4] = sources_hash(f->sources);
    assert_int_equal(rename(in(f, "b/lib/trunks.lua"), in(f, "b/lib/trunkz.lua")), 0);
    assert_int_equal(read_into(f, layers, 2, NULL), 0);
    seen[5] = sources_hash(f->sources);
    assert_int_equal(rename(in(f, "b/lib/trunkz.lua"), in(f, "b/trunkz.lua")), 0);
    assert_int_equal(read_into(f, layers, 2, NULL), 0);
    seen[6] = sources_hash(f->sources);
    for (size_t i = 0; i < 7; i++)
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(seen[i], seen[k]);
}

/* What is only moved from one file into its neighbour is another policy too. */
static void test_the_hash_knows_where_a_file_ends(void **state)
{
    struct folder *f = *state;
    make_folder(f, "b");
    struct layer layer = layer_at(f, "base", "b");
    write_file(f, "b/a.lua", "xy");
    write_file(f, "b/b.lua", "z");
    assert_int_equal(read_into(f, &layer, 1, NULL), 0);
    uint64_t before = sources_hash(f->sources);
    write_file(f, "b/a.lua", "x");
    write_file(f, "b/b.lua", "yz");
    assert_int_equal(read_into(f, &layer, 1, NULL), 0);
    assert_int_not_equal(sources_hash(f->sources), before);
}

static void test_limits_hold_each_to_the_byte(void **state)
{
    struct folder *f = *state;
    make_folder(f, "b");
    struct layer layer = layer_at(f, "base", "b");
    write_file(f, "b/a.lua", "1234");
    write_file(f, "b/b.lua", "12345");
    assert_int_equal(read_into(f, &layer, 1, &(struct sources_limits){.file = 5, .all = 9, .files = 2}), 0);
    assert_int_equal(read_into(f, &layer, 1, &(struct sources_limits){.file = 4, .all = 9, .files = 2}), -EFBIG);
    assert_says(f, "b/b.lua: the file is too large");
    assert_int_equal(read_into(f, &layer, 1, &(struct sources_limits){.file = 5, .all = 8, .files = 2}), -EFBIG);
    assert_says(f, "too large together");
    assert_int_equal(read_into(f, &layer, 1, &(struct sources_limits){.file = 5, .all = 9, .files = 1}), -EFBIG);
    assert_says(f, "too many files");
}

static void test_what_cannot_be_read_is_named(void **state)
{
    struct folder *f = *state;
    struct layer layer = layer_at(f, "base", "none.lua");
    assert_int_equal(read_into(f, &layer, 1, NULL), -ENOENT);
    assert_says(f, "none.lua");
    assert_null(f->sources);
    make_folder(f, "b");
    layer = layer_at(f, "base", "b");
    assert_int_equal(read_into(f, &layer, 1, NULL), -ENOENT);
    assert_says(f, "no .lua file");
    assert_int_equal(symlink("nowhere.lua", in(f, "b/gone.lua")), 0);
    assert_int_equal(read_into(f, &layer, 1, NULL), -ENOENT);
    assert_says(f, "b/gone.lua");
    assert_int_equal(unlink(in(f, "b/gone.lua")), 0);
    assert_int_equal(mkfifo(in(f, "b/pipe.lua"), 0600), 0);
    assert_int_equal(read_into(f, &layer, 1, NULL), -EINVAL);
    assert_says(f, "not a file");
    assert_int_equal(read_into(f, &layer, 0, NULL), -EINVAL);
    assert_int_equal(read_into(f, &layer, LAYERS_MOST + 1, NULL), -EINVAL);
}

/* Also if other layers have files: the policy would go on without what the empty one decided. */
static void test_each_layer_has_a_file(void **state)
{
    struct folder *f = *state;
    make_folder(f, "full");
    make_folder(f, "empty");
    make_folder(f, "empty/lib");
    write_file(f, "full/a.lua", "x = 1");
    write_file(f, "empty/lib/b.lua", "return 1");
    const struct layer layers[] = {layer_at(f, "base", "full"), layer_at(f, "site", "empty")};
    assert_int_equal(read_into(f, layers, 2, NULL), -ENOENT);
    assert_says(f, "/empty: no .lua file in the folder");
    write_file(f, "empty/b.lua", "y = 1");
    assert_int_equal(read_into(f, layers, 2, NULL), 0);
}

static void test_a_folder_that_holds_itself_ends(void **state)
{
    struct folder *f = *state;
    make_folder(f, "b");
    make_folder(f, "b/lib");
    write_file(f, "b/a.lua", "a");
    assert_int_equal(symlink(".", in(f, "b/lib/again")), 0);
    struct layer layer = layer_at(f, "base", "b");
    assert_int_equal(read_into(f, &layer, 1, NULL), -ELOOP);
    assert_says(f, "too deep");
}

static void assert_same(const struct sources *a, const struct sources *b)
{
    assert_int_equal(sources_hash(a), sources_hash(b));
    assert_int_equal(sources_count(a), sources_count(b));
    assert_int_equal(sources_layer_count(a), sources_layer_count(b));
    for (size_t i = 0; i < sources_layer_count(a); i++) {
        assert_string_equal(sources_layer(a, i)->name, sources_layer(b, i)->name);
        assert_string_equal(sources_layer(a, i)->path, sources_layer(b, i)->path);
        assert_string_equal(sources_layer(a, i)->tenant, sources_layer(b, i)->tenant);
        assert_int_equal(sources_layer(a, i)->priority, sources_layer(b, i)->priority);
    }
    for (size_t i = 0; i < sources_count(a); i++) {
        assert_true(text_equal(sources_at(a, i)->name, sources_at(b, i)->name));
        assert_true(text_equal(sources_at(a, i)->bytes, sources_at(b, i)->bytes));
        assert_int_equal(sources_at(a, i)->layer, sources_at(b, i)->layer);
        assert_int_equal(sources_at(a, i)->library, sources_at(b, i)->library);
    }
}

/* Reads the layers, and saves them as `good`. */
static void save_two_layers(struct folder *f)
{
    struct layer layers[2];
    two_layers(f, layers);
    layers[0].priority = -7;
    snprintf(layers[1].tenant, sizeof layers[1].tenant, "example.com");
    assert_int_equal(read_into(f, layers, 2, NULL), 0);
    assert_int_equal(sources_save(f->sources, in(f, "good")), 0);
}

static void test_what_is_saved_is_loaded_whole(void **state)
{
    struct folder *f = *state;
    struct sources *loaded;
    save_two_layers(f);
    assert_int_equal(sources_load(&loaded, &f->fake.host, in(f, "good"), f->error, sizeof f->error), 0);
    assert_same(f->sources, loaded);
    assert_string_equal(sources_at(loaded, 0)->bytes.at, "one");
    sources_release(loaded);
}

static void test_what_is_packed_for_others_is_what_they_unpack(void **state)
{
    struct folder *f = *state;
    const struct host *host = &f->fake.host;
    struct sources *unpacked = NULL;
    char *bytes;
    size_t size;
    save_two_layers(f);
    assert_int_equal(sources_pack(f->sources, &bytes, &size), 0);
    assert_int_equal(sources_unpack(&unpacked, host, bytes, size), 0);
    assert_same(f->sources, unpacked);
    sources_release(unpacked);
    unpacked = NULL;
    assert_int_equal(sources_unpack(&unpacked, host, bytes, size - 1), -EBADMSG);
    bytes[size / 2] ^= 1;
    assert_int_equal(sources_unpack(&unpacked, host, bytes, size), -EBADMSG);
    bytes[size / 2] ^= 1;
    f->fake.calls = 0;
    f->fake.fail_after = 1;
    assert_int_equal(sources_unpack(&unpacked, host, bytes, size), -ENOMEM);
    f->fake.calls = 0;
    f->fake.fail_after = 1;
    char *none;
    size_t none_size;
    assert_int_equal(sources_pack(f->sources, &none, &none_size), -ENOMEM);
    f->fake.fail_after = 0;
    assert_null(unpacked);
    host->allocate(host->context, bytes, size, 0);
}

static size_t read_file(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t length = fread(out, 1, size, file);
    assert_true(length < size);
    assert_int_equal(fclose(file), 0);
    return length;
}

/* Each byte changed, and each length cut to: none is taken for what was saved. */
static void test_a_saved_file_that_is_damaged_is_refused(void **state)
{
    struct folder *f = *state;
    static char bytes[8192];
    struct sources *loaded = NULL;
    save_two_layers(f);
    size_t length = read_file(in(f, "good"), bytes, sizeof bytes);
    for (size_t i = 0; i < length * 2; i++) {
        size_t at = i % length;
        FILE *file = fopen(in(f, "bad"), "wb");
        bytes[at] ^= i < length ? 0x20 : 0;
        assert_int_equal(fwrite(bytes, 1, i < length ? length : at, file), i < length ? length : at);
        fclose(file);
        bytes[at] ^= i < length ? 0x20 : 0;
        assert_int_equal(sources_load(&loaded, &f->fake.host, in(f, "bad"), f->error, sizeof f->error), -EBADMSG);
        assert_null(loaded);
    }
    assert_says(f, "not a policy as it was saved");
    assert_int_equal(sources_load(&loaded, &f->fake.host, in(f, "nowhere"), f->error, sizeof f->error), -ENOENT);
}

/* The checksum is right, the numbers in it are not. */
static void test_a_forged_file_cannot_do_harm(void **state)
{
    struct folder *f = *state;
    static char bytes[8192];
    struct sources *loaded = NULL;
    save_two_layers(f);
    size_t length = read_file(in(f, "good"), bytes, sizeof bytes) - 8;
    for (size_t at = 16; at < length; at++) {
        char kept = bytes[at];
        bytes[at] = (char)0xff;
        uint64_t sum = UINT64_C(0xcbf29ce484222325);
        for (size_t i = 0; i < length; i++)
            sum = (sum ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
        for (size_t i = 0; i < 8; i++)
            bytes[length + i] = (char)(sum >> 8 * i);
        FILE *file = fopen(in(f, "forged"), "wb");
        assert_int_equal(fwrite(bytes, 1, length + 8, file), length + 8);
        fclose(file);
        int error = sources_load(&loaded, &f->fake.host, in(f, "forged"), f->error, sizeof f->error);
        if (error == 0)
            sources_release(loaded);
        else
            assert_int_equal(error, -EBADMSG);
        bytes[at] = kept;
    }
}

static void test_saving_leaves_the_old_file_where_it_fails(void **state)
{
    struct folder *f = *state;
    static char before[8192], after[8192];
    save_two_layers(f);
    size_t length = read_file(in(f, "good"), before, sizeof before);
    f->fake.fail_after = f->fake.calls + 1;
    assert_int_equal(sources_save(f->sources, in(f, "good")), -ENOMEM);
    f->fake.fail_after = 0;
    make_folder(f, "taken");
    assert_int_equal(sources_save(f->sources, in(f, "taken")), -EISDIR);
    assert_int_equal(sources_save(f->sources, in(f, "no/where")), -ENOENT);
    assert_int_equal(read_file(in(f, "good"), after, sizeof after), length);
    assert_memory_equal(before, after, length);
    snprintf(after, sizeof after, "ls '%s' | grep -c new", f->path);
    FILE *leftovers = popen(after, "r");
    assert_int_equal(fgetc(leftovers), '0');
    pclose(leftovers);
}

static void test_reading_under_stepped_allocation_failure(void **state)
{
    struct folder *f = *state;
    struct layer layers[2];
    two_layers(f, layers);
    for (uint64_t nth = 1;; nth++) {
        f->fake.fail_after = f->fake.calls + nth;
        int error = read_into(f, layers, 2, NULL);
        f->fake.fail_after = 0;
        if (error == 0)
            break;
        assert_int_equal(error, -ENOMEM);
        assert_int_equal(f->fake.allocated, 0);
        assert_true(nth < 100);
    }
    assert_int_equal(sources_count(f->sources), 5);
}

static void test_loading_under_stepped_allocation_failure(void **state)
{
    struct folder *f = *state;
    struct sources *loaded = NULL;
    save_two_layers(f);
    size_t before = f->fake.allocated;
    uint64_t nth = 1;
    for (;; nth++) {
        f->fake.fail_after = f->fake.calls + nth;
        int error = sources_load(&loaded, &f->fake.host, in(f, "good"), f->error, sizeof f->error);
        f->fake.fail_after = 0;
        if (error == 0)
            break;
        assert_int_equal(error, -ENOMEM);
        assert_int_equal(f->fake.allocated, before);
        assert_true(nth < 100);
    }
    assert_true(nth > 5);
    assert_same(f->sources, loaded);
    sources_release(loaded);
}

static void test_the_last_release_frees(void **state)
{
    struct folder *f = *state;
    write_file(f, "a.lua", "a");
    struct layer layer = layer_at(f, "", "a.lua");
    assert_int_equal(read_into(f, &layer, 1, NULL), 0);
    size_t held = f->fake.allocated;
    assert_ptr_equal(sources_hold(f->sources), f->sources);
    sources_release(f->sources);
    assert_int_equal(f->fake.allocated, held);
    sources_release(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_lone_file_has_its_path_for_a_name),
        TEST(test_a_folder_gives_its_programs_by_name_then_its_library),
        TEST(test_what_was_read_stays_whatever_happens_to_the_files),
        TEST(test_links_are_followed_as_a_mounted_configuration_has_them),
        TEST(test_no_link_leads_out_of_a_layer),
        TEST(test_names_of_files_are_printable),
        TEST(test_the_hash_is_of_names_layers_and_bytes),
        TEST(test_the_hash_knows_where_a_file_ends),
        TEST(test_limits_hold_each_to_the_byte),
        TEST(test_what_cannot_be_read_is_named),
        TEST(test_each_layer_has_a_file),
        TEST(test_a_folder_that_holds_itself_ends),
        TEST(test_what_is_saved_is_loaded_whole),
        TEST(test_what_is_packed_for_others_is_what_they_unpack),
        TEST(test_a_saved_file_that_is_damaged_is_refused),
        TEST(test_a_forged_file_cannot_do_harm),
        TEST(test_saving_leaves_the_old_file_where_it_fails),
        TEST(test_reading_under_stepped_allocation_failure),
        TEST(test_loading_under_stepped_allocation_failure),
        TEST(test_the_last_release_frees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
