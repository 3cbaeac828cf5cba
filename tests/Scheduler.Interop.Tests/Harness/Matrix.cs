namespace Scheduler.Interop.Tests.Harness;

/// <summary>
/// The combination of I/O, cache and kind of volume that the tests run on, where the environment chooses one:
/// <c>SCHEDULER_TEST_IO</c> (threads, io-uring), <c>SCHEDULER_TEST_CACHE</c> (buffered, direct) and
/// <c>SCHEDULER_TEST_VOLUME</c> (slice, lvm). What it leaves open is as each test has it. <c>tests/run --matrix</c> goes through
/// all eight.
/// </summary>
internal static class Matrix
{
    private static readonly string[] s_ios = ["threads", "io-uring"];
    private static readonly string[] s_caches = ["buffered", "direct"];

    private static readonly string? s_io = Read("SCHEDULER_TEST_IO", s_ios);
    private static readonly string? s_cache = Read("SCHEDULER_TEST_CACHE", s_caches);

    /// <summary>Disks are logical volumes of a group that LVM2's tools made, in place of slices.</summary>
    public static readonly bool IsLvm = Read("SCHEDULER_TEST_VOLUME", ["slice", "lvm"]) == "lvm";

    /// <summary>For tests over all ways of I/O and caches.</summary>
    public static TheoryData<string, string> IoAndCache => Cases([.. s_ios.SelectMany(io => s_caches.Select(cache => (io, cache)))]);

    /// <summary>For tests that do with two of them: each way of I/O, and each cache, once.</summary>
    public static TheoryData<string, string> Corners => Cases([("threads", "buffered"), ("io-uring", "direct")]);

    /// <summary>For tests over all ways of I/O.</summary>
    public static TheoryData<string> Ios
    {
        get
        {
            TheoryData<string> ios = [];
            ios.AddRange(s_io is null ? s_ios : [s_io]);
            return ios;
        }
    }

    /// <summary>Keys of a volume's section that are put behind a test's own, and so hold.</summary>
    public static string Keys => $"{(s_io is null ? "" : $", io = {s_io}")}{(s_cache is null ? "" : $", cache = {s_cache}")}";

    /// <summary>The combination as a line of output.</summary>
    public static string Name(string io, string cache) => $"{s_io ?? io}, {s_cache ?? cache}";

    /// <summary>Skips a test that means one cache, where another is chosen.</summary>
    public static void OnlyCache(string cache, string reason) => Skip.If(s_cache is not null && s_cache != cache, $"only with cache = {cache}: {reason}");

    /// <summary>Skips a test that means a slice of a file, where logical volumes are chosen.</summary>
    public static void OnlySlice(string reason) => Skip.If(IsLvm, $"only on a slice: {reason}");

    /// <summary>Skips a test that has its own way of I/O or cache, where one is chosen.</summary>
    public static void OnlyUnset(string reason) => Skip.If(s_io is not null || s_cache is not null, $"not on a chosen combination: {reason}");

    // Two of them may become the same when one half is chosen: it stands there once, then.
    private static TheoryData<string, string> Cases((string Io, string Cache)[] all)
    {
        TheoryData<string, string> cases = [];
        foreach ((string io, string cache) in all.Select(pair => (s_io ?? pair.Io, s_cache ?? pair.Cache)).Distinct())
            cases.Add(io, cache);
        return cases;
    }

    private static string? Read(string name, string[] values)
    {
        string? value = Environment.GetEnvironmentVariable(name);
        if (string.IsNullOrEmpty(value))
            return null;
        return values.Contains(value)
            ? value
            : throw new InvalidOperationException($"{name} is '{value}': set it to {string.Join(" or ", values)}, or to nothing");
    }
}
