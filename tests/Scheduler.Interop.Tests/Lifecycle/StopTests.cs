using System.Net.Sockets;
using Scheduler.Interop.Tests.Harness;
using Scheduler.Interop.Tests.Nbd;

namespace Scheduler.Interop.Tests.Lifecycle;

/// <summary>A clean stop: accept no more, answer what is in flight, flush, exit 0.</summary>
public sealed class StopTests
{
    private const int Clients = 4;
    private const int Depth = 16;
    private const int ReplyBytes = 16;

    // 64 writes in flight take 64 * 10 ms / 2: they are surely not done when the signal comes.
    private const string Sluggish =
        "device = faulty, cache = buffered, depth = 4, faulty { service-time = 10ms, parallel = 2 }";

    [SkippableFact]
    public void An_idle_service_ends_at_once()
    {
        using TemporaryDirectory directory = new();
        using ServiceProcess service = ServiceProcess.Start(directory, Config.OneVolume(directory, "cache = buffered"));

        service.Stop();

        // Nothing is left that a next start could trip over.
        Assert.False(File.Exists(service.SocketPath));
        using ServiceProcess next = ServiceProcess.Start(directory, Config.OneVolume(directory, "cache = buffered"));
        next.Stop();
    }

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_is_in_flight_at_a_signal_is_answered(bool interrupt)
    {
        using TemporaryDirectory directory = new();
        using ServiceProcess service = ServiceProcess.Start(directory, Config.OneVolume(directory, Sluggish, disks: Clients));
        NbdClient[] clients = [.. Enumerable.Range(0, Clients).Select(i => NbdClient.Open(service, $"d{i}"))];
        try
        {
            // All of a client's requests go in one piece: with the first answer the service has had them all.
            for (int i = 0; i < Clients; i++)
            {
                int number = i;
                clients[i].SendAll([.. Enumerable.Range(0, Depth).SelectMany(slot => NbdClient.Request(
                    NbdClient.Write, 0, (ulong)slot, (ulong)slot * 4096, 4096, Block(number, slot)))]);
            }

            HashSet<ulong>[] answered = [.. clients.Select(client => new HashSet<ulong> { Succeeded(client) })];
            Signal(service, interrupt);
            for (int i = 0; i < Clients; i++)
            {
                while (answered[i].Count < Depth)
                    Assert.True(answered[i].Add(Succeeded(clients[i])), "answered twice");
                Assert.True(clients[i].IsClosedWithin(TimeSpan.FromSeconds(10)));
            }

            int code = service.Process.WaitForExit(ServiceProcess.StopTimeMax);
            Assert.True(code == 0, $"exit code {code}\n{service.Process.Log}");
        }
        finally
        {
            foreach (NbdClient client in clients)
                client.Dispose();
        }

        using FileStream volume = File.OpenRead(directory.File("data/vol0.img"));
        byte[] found = new byte[4096];
        for (int i = 0; i < Clients; i++)
        {
            for (int slot = 0; slot < Depth; slot++)
            {
                volume.Position = Config.OffsetOf(i, slot * 4096, Clients);
                volume.ReadExactly(found);
                Assert.Equal(Block(i, slot), found);
            }
        }
    }

    [SkippableFact]
    public void Clients_that_never_pause_do_not_keep_it_from_ending()
    {
        using TemporaryDirectory directory = new();
        string config = Config.OneVolume(directory, "cache = buffered", disks: Clients);
        using ServiceProcess service = ServiceProcess.Start(directory, config);
        NbdClient[] connections = [.. Enumerable.Range(0, Clients).Select(i => NbdClient.Open(service, $"d{i}"))];
        Task<long>[] clients = [.. connections.Select(connection => Task.Factory.StartNew(
            () => WriteUntilTheEnd(connection),
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default))];
        Thread.Sleep(500);

        service.Stop();

        // An error in one of them is an answer that was cut short.
        foreach (Task<long> client in clients)
            Assert.True(client.Result > Depth);
    }

    private static void Signal(ServiceProcess service, bool interrupt)
    {
        if (interrupt)
            service.Process.Interrupt();
        else
            service.Process.Terminate();
    }

    private static ulong Succeeded(NbdClient client)
    {
        (ulong cookie, uint error) = client.TakeReply();
        Assert.Equal(0u, error);
        return cookie;
    }

    private static long WriteUntilTheEnd(NbdClient connection)
    {
        using NbdClient client = connection;
        byte[] data = new byte[4096];
        long answers = 0;
        bool sending = true;
        for (int i = 0; i < Depth; i++)
            client.Send(NbdClient.Write, 0, (ulong)i * 4096, 4096, data);
        while (true)
        {
            int received = TakeReplyOrEnd(client);
            if (received == 0)
                return answers;
            Assert.Equal(ReplyBytes, received);
            answers++;
            try
            {
                if (sending)
                    client.Send(NbdClient.Write, 0, (ulong)answers % 1024 * 4096, 4096, data);
            }
            catch (SocketException)
            {
                sending = false;
            }
        }
    }

    // How many bytes of a reply came before the end.
    private static int TakeReplyOrEnd(NbdClient client)
    {
        byte[] reply = new byte[ReplyBytes];
        int received = 0;
        try
        {
            while (received < ReplyBytes)
            {
                int more = client.Socket.Receive(reply, received, ReplyBytes - received, SocketFlags.None);
                if (more == 0)
                    break;
                received += more;
            }
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.ConnectionReset)
        {
            // What was sent after the end was never read.
        }

        return received;
    }

    private static byte[] Block(int client, int slot)
    {
        byte[] data = new byte[4096];
        Array.Fill(data, (byte)(1 + (client * Depth) + slot));
        return data;
    }
}
