using System.Net;
using Scheduler.Interop.Tests.Harness;
using Scheduler.Interop.Tests.Nbd;

namespace Scheduler.Interop.Tests.BadInput;

public sealed class FullVolumeTests
{
    private const int PieceBytes = 256 << 10;

    [SkippableTheory]
    [MemberData(nameof(Matrix.IoAndCache), MemberType = typeof(Matrix))]
    public void A_full_volume_answers_ENOSPC_and_goes_on(string io, string cache)
    {
        Requires.Io(io);
        using TemporaryDirectory directory = new();
        using SmallFileSystem place = new(directory, 8);

        // Sparse: 128 MiB on a file system of 8.
        string config = Config.OneVolume(directory, $"cache = {cache}, io = {io}", path: Path.Combine(place.Path, "vol0.img"));
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
}
