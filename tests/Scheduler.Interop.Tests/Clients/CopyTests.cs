using Scheduler.Interop.Tests.Harness;

namespace Scheduler.Interop.Tests.Clients;

public sealed class CopyTests
{
    private const long Size = 64 << 20;

    [SkippableTheory]
    [MemberData(nameof(Matrix.IoAndCache), MemberType = typeof(Matrix))]
    public void Nbdcopy_in_and_out_is_byte_identical(string io, string cache)
    {
        Requires.Tool("nbdcopy");
        Requires.Io(io);
        using TemporaryDirectory directory = new();
        using ServiceProcess service = ServiceProcess.Start(directory, Config.OneVolume(directory, $"cache = {cache}, io = {io}"));
        string original = directory.File("original");
        string copy = directory.File("copy");
        ImageFile.Create(original, Size, seed: 1);

        // Onto the second disk: what went to a wrong place would show.
        Tool.Run("nbdcopy", "--flush", original, service.Uri("d1")).Succeeded();
        Tool.Run("nbdcopy", service.UnixUri("d1"), copy).Succeeded();

        Assert.Equal(ImageFile.Hash(original), ImageFile.Hash(copy));
        service.AssertNothingBroke();
    }

    [SkippableFact]
    public void Nbdcopy_from_one_disk_to_another_is_byte_identical()
    {
        Requires.Tool("nbdcopy");
        using TemporaryDirectory directory = new();
        using ServiceProcess service = ServiceProcess.Start(directory, Config.OneVolume(directory, "cache = buffered"));
        string original = directory.File("original");
        string copy = directory.File("copy");
        ImageFile.Create(original, Size, seed: 2);

        Tool.Run("nbdcopy", original, service.Uri("d0")).Succeeded();
        Tool.Run("nbdcopy", service.Uri("d0"), service.Uri("d1")).Succeeded();
        Tool.Run("nbdcopy", service.Uri("d1"), copy).Succeeded();

        Assert.Equal(ImageFile.Hash(original), ImageFile.Hash(copy));
    }

    [SkippableFact]
    public void Qemu_img_converts_both_ways()
    {
        Requires.Tool("qemu-img");
        using TemporaryDirectory directory = new();
        using ServiceProcess service = ServiceProcess.Start(directory, Config.OneVolume(directory, "cache = buffered"));
        string original = directory.File("original");
        string back = directory.File("back.qcow2");
        ImageFile.Create(original, Size, seed: 3);

        Tool.Run("qemu-img", "convert", "-n", "-f", "raw", "-O", "raw", original, service.Uri("d1")).Succeeded();
        Tool.Run("qemu-img", "compare", "-f", "raw", "-F", "raw", original, service.Uri("d1")).Succeeded();
        Tool.Run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", service.Uri("d1"), back).Succeeded();
        Tool.Run("qemu-img", "compare", "-f", "raw", "-F", "qcow2", original, back).Succeeded();

        // The comparison can tell a difference.
        Assert.Equal(1, Tool.Run("qemu-img", "compare", "-f", "raw", "-F", "raw", original, service.Uri("d0")).Status);
        service.AssertNothingBroke();
    }
}
