using System.Security.Cryptography;
using System.Text.Json;
using Scheduler.Interop.Tests.Harness;

namespace Scheduler.Interop.Tests.Access;

/// <summary>Real clients over TLS, each guest with a certificate of its own.</summary>
public sealed class TlsClientTests
{
    private const int Bytes = 64 << 20;

    [SkippableFact]
    public void Nbdinfo_lists_only_the_guests_own_disks()
    {
        Requires.Tool("nbdinfo");
        using TlsPlace place = new();
        using ServiceProcess service = place.Start();
        string web = place.Client("web", place.Web);
        string db = place.Client("db", place.Db);

        Assert.Equal(["d0"], List(service, web));
        Assert.Equal(["d1"], List(service, db));
        Assert.Equal($"{Bytes}", Tool.Run("nbdinfo", "--size", service.TlsUri("d0", web)).Succeeded().Output);
        Assert.Equal($"{Bytes}", Tool.Run("nbdinfo", "--size", service.TlsUri("", db)).Succeeded().Output);

        // Another's disk is refused as one that is not there.
        string others = Refusal(service, "d1", web);
        Assert.Equal(Refusal(service, "d9", web), others.Replace("d1", "d9", StringComparison.Ordinal));
        Assert.Contains("server has no export named", others, StringComparison.Ordinal);

        // A valid certificate that is nobody's sees nothing, and the log says whose it is.
        string nobody = place.Client("nobody", place.Ca.Issue("CN=nobody"));
        Assert.Empty(List(service, nobody));
        Assert.NotEqual(0, Tool.Run("nbdinfo", "--size", service.TlsUri("d0", nobody)).Status);
        Assert.Contains("the certificate 'CN=nobody', sha256:", service.Process.Log, StringComparison.Ordinal);
        service.AssertNothingBroke();
    }

    [SkippableFact]
    public void Nbdcopy_in_and_out_is_byte_identical()
    {
        Requires.Tool("nbdcopy");
        using TlsPlace place = new();
        using ServiceProcess service = place.Start();
        string db = place.Client("db", place.Db);
        string original = place.Directory.File("original");
        string copy = place.Directory.File("copy");
        File.WriteAllBytes(original, RandomNumberGenerator.GetBytes(Bytes));

        Tool.Run("nbdcopy", "--flush", original, service.TlsUri("d1", db)).Succeeded();
        Tool.Run("nbdcopy", service.TlsUri("d1", db), copy).Succeeded();
        Assert.True(File.ReadAllBytes(original).AsSpan().SequenceEqual(File.ReadAllBytes(copy)));

        // It is on the disk's place of the volume, and nothing is on the other's.
        byte[] volume = File.ReadAllBytes(place.Directory.File("data/vol0.img"));
        byte[] written = File.ReadAllBytes(original);
        const int Half = Bytes / 2;
        foreach (int half in new[] { 0, Half })
        {
            Assert.True(volume.AsSpan((int)Config.OffsetOf(1, half), Half).SequenceEqual(written.AsSpan(half, Half)));
            Assert.False(volume.AsSpan((int)Config.OffsetOf(0, half), Half).ContainsAnyExcept((byte)0));
        }

        service.Stop();
    }

    [SkippableFact]
    public void Qemu_img_converts_both_ways()
    {
        Requires.Tool("qemu-img");
        using TlsPlace place = new();
        using ServiceProcess service = place.Start();
        string credentials = $"tls-creds-x509,id=tls0,endpoint=client,dir={place.Client("web", place.Web)}";
        string disk = $"driver=nbd,server.type=inet,server.host=127.0.0.1,server.port={service.Endpoint.Port},export=d0,tls-creds=tls0";
        string original = place.Directory.File("original");
        string back = place.Directory.File("back");
        Clients.ImageFile.Create(original, Bytes, seed: 4);

        Tool.Run("qemu-img", "convert", "--object", credentials, "-n", "-f", "raw", "--target-image-opts", original, $"driver=raw,file.{disk.Replace(",", ",file.", StringComparison.Ordinal)}").Succeeded();
        Tool.Run("qemu-img", "convert", "--object", credentials, "--image-opts", "-O", "raw", $"driver=raw,file.{disk.Replace(",", ",file.", StringComparison.Ordinal)}", back).Succeeded();
        Assert.Equal(Clients.ImageFile.Hash(original), Clients.ImageFile.Hash(back));
        service.AssertNothingBroke();
    }

    [SkippableFact]
    public void Without_identities_TLS_alone_shows_all_disks()
    {
        Requires.Tool("nbdinfo");
        using TlsPlace place = new();
        using ServiceProcess service = place.Start(required: false, authenticated: false);
        Assert.Equal(["d0", "d1"], List(service, place.Client("none", null)));
        Assert.Equal($"{Bytes}", Tool.Run("nbdinfo", "--size", service.Uri("d1")).Succeeded().Output);
        service.AssertNothingBroke();
    }

    private static string[] List(ServiceProcess service, string certificates)
    {
        // With none in the list it says so, and fails.
        ToolResult result = Tool.Run("nbdinfo", "--json", "--list", service.TlsUri("", certificates));
        if (result.Status != 0 || result.Output.Length == 0)
            return [];
        using JsonDocument document = JsonDocument.Parse(result.Output);
        return [.. document.RootElement.GetProperty("exports").EnumerateArray().Select(export => export.GetProperty("export-name").GetString()!)];
    }

    private static string Refusal(ServiceProcess service, string disk, string certificates)
    {
        ToolResult result = Tool.Run("nbdinfo", "--size", service.TlsUri(disk, certificates));
        Assert.NotEqual(0, result.Status);
        return result.Error;
    }
}
