using System.Text.Json;
using Scheduler.Interop.Tests.Harness;

namespace Scheduler.Interop.Tests.Clients;

public sealed class NbdinfoTests
{
    private static readonly string[] s_abilities =
    [
        "can_flush", "can_fua", "can_trim", "can_zero", "can_fast_zero", "can_df", "can_cache", "can_multi_conn",
    ];

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Nbdinfo_lists_every_disk_with_all_it_can_do(bool unix)
    {
        Requires.Tool("nbdinfo");
        using TemporaryDirectory directory = new();
        using ServiceProcess service = ServiceProcess.Start(directory, Config.OneVolume(directory, "cache = buffered", disks: 3));

        string uri = unix ? service.UnixUri("") : service.Uri("");
        string list = Tool.Run("nbdinfo", "--json", "--list", uri).Succeeded().Output;

        using JsonDocument document = JsonDocument.Parse(list);
        JsonElement[] exports = [.. document.RootElement.GetProperty("exports").EnumerateArray()];
        Assert.Equal(["d0", "d1", "d2"], exports.Select(export => export.GetProperty("export-name").GetString()));
        foreach (JsonElement export in exports)
        {
            Assert.Equal(64 << 20, export.GetProperty("export-size").GetInt64());
            Assert.False(export.GetProperty("is_read_only").GetBoolean());
            foreach (string ability in s_abilities)
                Assert.True(export.GetProperty(ability).GetBoolean(), ability);
            JsonElement context = Assert.Single(export.GetProperty("contexts").EnumerateArray());
            Assert.Equal("base:allocation", context.GetString());
        }

        service.AssertNothingBroke();
    }

    [SkippableFact]
    public void The_empty_name_gives_the_first_disk()
    {
        Requires.Tool("nbdinfo");
        using TemporaryDirectory directory = new();
        using ServiceProcess service = ServiceProcess.Start(directory, """
            volumes { vol0 { path = "vol0.img", size = 16MiB } }
            guests { g { } }
            disks {
              second { volume = vol0, guest = g, offset = 8MiB, size = 4MiB }
              first { volume = vol0, guest = g, size = 8MiB }
            }
            """);

        Assert.Equal($"{4 << 20}", Tool.Run("nbdinfo", "--size", service.Uri("")).Succeeded().Output);
    }
}
