using Scheduler.Interop.Tests.Harness;
using Scheduler.Interop.Tests.Nbd;

namespace Scheduler.Interop.Tests.BadInput;

/// <summary>Wrong requests get the error that the NBD specification names, and the connection lives on.</summary>
public sealed class BadRequestTests
{
    private const ulong Size = 64 << 20;
    private const uint PayloadMax = 32 << 20;
    private static readonly byte[] s_data = [.. Enumerable.Repeat((byte)0x3c, 4096)];

    [SkippableTheory]
    [InlineData("read past the end", NbdClient.Read, Size, 4096u, NbdClient.EINVAL)]
    [InlineData("read over the end", NbdClient.Read, Size - 4096, 8192u, NbdClient.EINVAL)]
    [InlineData("read at an offset that overflows", NbdClient.Read, ulong.MaxValue - 4095, 8192u, NbdClient.EINVAL)]
    [InlineData("write past the end", NbdClient.Write, Size, 4096u, NbdClient.ENOSPC)]
    [InlineData("write over the end", NbdClient.Write, Size - 4096, 8192u, NbdClient.ENOSPC)]
    [InlineData("zeroes over the end", NbdClient.WriteZeroes, Size - 4096, 8192u, NbdClient.ENOSPC)]
    [InlineData("trim over the end", NbdClient.Trim, Size - 4096, 8192u, NbdClient.EINVAL)]
    [InlineData("cache over the end", NbdClient.Cache, Size - 4096, 8192u, NbdClient.EINVAL)]
    [InlineData("read at a misaligned offset", NbdClient.Read, 1ul, 512u, NbdClient.EINVAL)]
    [InlineData("read of a misaligned length", NbdClient.Read, 0ul, 511u, NbdClient.EINVAL)]
    [InlineData("write at a misaligned offset", NbdClient.Write, 511ul, 512u, NbdClient.EINVAL)]
    [InlineData("write of a misaligned length", NbdClient.Write, 0ul, 100u, NbdClient.EINVAL)]
    [InlineData("read of nothing", NbdClient.Read, 0ul, 0u, NbdClient.EINVAL)]
    [InlineData("write of nothing", NbdClient.Write, 0ul, 0u, NbdClient.EINVAL)]
    [InlineData("trim of nothing", NbdClient.Trim, 0ul, 0u, NbdClient.EINVAL)]
    [InlineData("read above 32 MiB", NbdClient.Read, 0ul, PayloadMax + 4096, NbdClient.EINVAL)]
    [InlineData("write above 32 MiB", NbdClient.Write, 0ul, PayloadMax + 4096, NbdClient.EINVAL)]
    [InlineData("flush with an offset", NbdClient.Flush, 4096ul, 0u, NbdClient.EINVAL)]
    [InlineData("block status without its context", NbdClient.BlockStatus, 0ul, 4096u, NbdClient.EINVAL)]
    [InlineData("unknown command", 77, 0ul, 4096u, NbdClient.EINVAL)]
    public void A_wrong_request_gets_its_error(string what, int command, ulong offset, uint length, uint expected)
    {
        using TemporaryDirectory directory = new();
        using ServiceProcess service = ServiceProcess.Start(directory, Config.OneVolume(directory, "cache = buffered"));
        using NbdClient client = NbdClient.Open(service, "d0");
        Assert.Equal(0u, client.CallWrite(0, s_data));
        byte[] payload = command == NbdClient.Write ? new byte[length] : [];

        // Twice, and between good ones in the same piece: it must stay in step.
        for (int i = 0; i < 2; i++)
        {
            client.SendAll([
                .. NbdClient.Request(NbdClient.Read, 0, 101, 0, 4096),
                .. NbdClient.Request((ushort)command, 0, 102, offset, length, payload),
                .. NbdClient.Request(NbdClient.Read, 0, 103, 0, 4096),
            ]);
            Dictionary<ulong, uint> errors = [];
            for (int reply = 0; reply < 3; reply++)
            {
                (ulong cookie, uint error) = client.TakeReply();
                errors.Add(cookie, error);
                if (cookie != 102)
                    Assert.Equal(s_data, client.Receive(4096));
            }

            Assert.True(errors[102] == expected, $"{what}: error {errors[102]}");
            Assert.Equal(0u, errors[101]);
            Assert.Equal(0u, errors[103]);
        }

        service.AssertNothingBroke();
    }

    [SkippableFact]
    public void The_longest_payload_is_served_in_one_piece()
    {
        using TemporaryDirectory directory = new();
        using ServiceProcess service = ServiceProcess.Start(directory, Config.OneVolume(directory, "cache = buffered"));
        using NbdClient client = NbdClient.Open(service, "d0");
        byte[] data = new byte[PayloadMax];
        new Random(4).NextBytes(data);

        Assert.Equal(0u, client.CallWrite(PayloadMax, data));
        Assert.True(client.CallRead(PayloadMax, data.Length).AsSpan().SequenceEqual(data));
    }

    [SkippableFact]
    public void Bytes_that_are_no_request_end_that_connection_alone()
    {
        using TemporaryDirectory directory = new();
        using ServiceProcess service = ServiceProcess.Start(directory, Config.OneVolume(directory, "cache = buffered"));
        using NbdClient other = NbdClient.Open(service, "d0");
        using NbdClient client = NbdClient.Open(service, "d0");
        byte[] noise = new byte[4096];
        new Random(5).NextBytes(noise);

        client.SendAll(noise);

        Assert.True(client.IsClosedWithin(TimeSpan.FromSeconds(5)));
        Assert.Equal(0u, other.CallWrite(0, s_data));
        Assert.Equal(s_data, other.CallRead(0, 4096));
        service.AssertNothingBroke();
    }
}
