using System.Net;
using Scheduler.Interop.Tests.Harness;
using Scheduler.Interop.Tests.Nbd;

namespace Scheduler.Interop.Tests.BadInput;

public sealed class FullVolumeTests
{
    private const int PieceBytes = 256 << 10;

    [SkippableTheory]
    [InlineData("buffered")]
    [InlineData("direct")]
    public void A_full_volume_answers_ENOSPC_and_goes_on(string cache)
    {
        Requires.Tool("mount", "umount");
        using TemporaryDirectory directory = new();
        string place = Directory.CreateDirectory(directory.File("small")).FullName;
        ToolResult mount = Tool.Run("mount", "-t", "tmpfs", "-o", "size=8m", "none", place);
        Requires.That(mount.Status == 0, $"mounting is not permitted here: {mount.Error}");
        try
        {
            // Sparse: 128 MiB on a file system of 8.
            string config = Config.OneVolume($"cache = {cache}", path: Path.Combine(place, "vol0.img"));
            using ServiceProcess service = ServiceProcess.Start(directory, config);
            using NbdClient client = NbdClient.Open(service, "d0");
            byte[] data = new byte[PieceBytes];
            Array.Fill(data, (byte)0x66);
            ulong written = 0;
            uint error;
            while ((error = client.CallWrite(written, data)) == 0)
                written += PieceBytes;

            Assert.Equal(NbdClient.ENOSPC, error);
            Assert.InRange(written, 4u << 20, 8u << 20);
            Assert.Equal(NbdClient.ENOSPC, client.CallWrite(32 << 20, data, NbdClient.Fua));

            // What is there stays; nothing is fenced; and with space it goes on.
            Assert.Equal(data, client.CallRead(0, PieceBytes));
            Assert.Equal(0u, client.CallWrite(0, data));
            Assert.Equal(0u, client.Call(NbdClient.Flush));
            Assert.Equal(HttpStatusCode.OK, service.Get("/readyz").Status);
            Assert.Equal(0u, client.Call(NbdClient.Trim, 0, 2 << 20));
            Assert.Equal(0u, client.CallWrite(32 << 20, data, NbdClient.Fua));
            Assert.Equal(data, client.CallRead(32 << 20, PieceBytes));
            service.AssertNothingBroke();
        }
        finally
        {
            Tool.Run("umount", "--lazy", place);
        }
    }
}
