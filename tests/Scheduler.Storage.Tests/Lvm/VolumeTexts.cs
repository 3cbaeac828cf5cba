namespace Scheduler.Storage.Tests.Lvm;

/// <summary>
/// Logical volumes as LVM2 writes them, of kinds that its tools only make where the kernel has device mapper. They lie on
/// <c>pv1</c> from extent 4, in extents of 4 MiB, and make a volume <c>origin</c> of two extents the origin of a snapshot.
/// </summary>
internal static class VolumeTexts
{
    public static string Special { get; } =
        Hidden("pool_tmeta", 0, Linear(4))
        + Hidden("pool_tdata", 1, Linear(5))
        + Visible("pool", 2, "extent_count = 1 type = \"thin-pool\" metadata = \"pool_tmeta\" pool = \"pool_tdata\" transaction_id = 1 chunk_size = 128 discards = \"passdown\" zero_new_blocks = 1")
        + Visible("thin1", 3, "extent_count = 25 type = \"thin\" thin_pool = \"pool\" transaction_id = 0 device_id = 1")
        + Visible("cow", 4, Linear(6))
        + Visible("snapshot0", 5, "extent_count = 2 type = \"snapshot\" chunk_size = 8 origin = \"origin\" cow_store = \"cow\"")
        + Hidden("safe_rmeta_0", 6, Linear(7))
        + Hidden("safe_rimage_0", 7, Linear(8))
        + Hidden("safe_rmeta_1", 8, Linear(10, "pv0"))
        + Hidden("safe_rimage_1", 9, Linear(11, "pv0"))
        + Visible("safe", 10, "extent_count = 1 type = \"raid1\" device_count = 2 region_size = 4096 raids = [\"safe_rmeta_0\", \"safe_rimage_0\", \"safe_rmeta_1\", \"safe_rimage_1\"]")
        + Hidden("slow_cpool_cdata", 11, Linear(9))
        + Hidden("slow_cpool_cmeta", 12, Linear(10))
        + Hidden("slow_cpool", 13, "extent_count = 1 type = \"cache-pool+METADATA_FORMAT\" data = \"slow_cpool_cdata\" metadata = \"slow_cpool_cmeta\" metadata_format = 2 chunk_size = 128 cache_mode = \"writethrough\" policy = \"smq\" policy_settings { migration_threshold = 2048 }")
        + Hidden("fast_corig", 14, Linear(11))
        + Visible("fast", 15, "extent_count = 1 type = \"cache\" cache_pool = \"slow_cpool\" origin = \"fast_corig\"");

    public static string Visible(string name, int number, string segment) => Volume(name, number, "\"READ\", \"WRITE\", \"VISIBLE\"", segment);

    public static string Hidden(string name, int number, string segment) => Volume(name, number, "\"READ\", \"WRITE\"", segment);

    public static string Volume(string name, int number, string status, string segment) =>
        $$"""

        {{name}} { id = "{{Uuid(number)}}" status = [{{status}}] flags = [] segment_count = 1
            segment1 { start_extent = 0 {{segment}} } }

        """;

    public static string Uuid(int number) => $"{number:D6}-aaaa-bbbb-cccc-dddd-eeee-ffffff";

    public static string Linear(int extent, string physical = "pv1", int count = 1) =>
        $"extent_count = {count} type = \"striped\" stripe_count = 1 stripes = [\"{physical}\", {extent}]";
}
