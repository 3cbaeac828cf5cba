using Scheduler.Interop.Tests.Nbd;

namespace Scheduler.Interop.Tests.Faults;

/// <summary>Requests of all kinds that are sent at once, and answered in any order.</summary>
internal sealed class Burst
{
    private const int BlockBytes = 4096;

    private static readonly ushort[] s_commands =
        [NbdClient.Write, NbdClient.Read, NbdClient.Flush, NbdClient.WriteZeroes, NbdClient.Trim];

    private readonly NbdClient _client;
    private readonly Dictionary<ulong, ushort> _unanswered = [];

    private Burst(NbdClient client) => _client = client;

    /// <summary>Errors by command, in the order of the answers.</summary>
    public ILookup<ushort, uint> Errors { get; private set; } = null!;

    /// <summary>Sends some requests of each kind.</summary>
    /// <param name="client">A client with nothing in flight.</param>
    /// <param name="rounds">How many of each kind.</param>
    /// <param name="from">The first byte that they reach for.</param>
    /// <param name="forced">Whether every fourth write is to be durable at once.</param>
    public static Burst Send(NbdClient client, int rounds, ulong from = 0, bool forced = true)
    {
        Burst burst = new(client);
        byte[] data = new byte[BlockBytes];
        for (int i = 0; i < rounds; i++)
        {
            foreach (ushort command in s_commands)
            {
                // The kinds stay off one another's blocks.
                ulong offset = from + (ulong)(((Array.IndexOf(s_commands, command) * rounds) + i) * BlockBytes);
                ushort flags = forced && command == NbdClient.Write && i % 4 == 3 ? NbdClient.Fua : (ushort)0;
                bool flush = command == NbdClient.Flush;
                ulong cookie = client.Send(
                    command, flags, flush ? 0 : offset, flush ? 0 : (uint)BlockBytes, command == NbdClient.Write ? data : default(ReadOnlySpan<byte>));
                burst._unanswered.Add(cookie, command);
            }
        }

        return burst;
    }

    /// <summary>Takes the answers; fails if one comes twice, or not at all.</summary>
    public void TakeAnswers()
    {
        List<(ushort Command, uint Error)> answers = [];
        while (_unanswered.Count > 0)
        {
            (ulong cookie, uint error) = _client.TakeReply();
            Assert.True(_unanswered.Remove(cookie, out ushort command), $"request {cookie} is answered twice, or was never sent");
            if (command == NbdClient.Read && error == 0)
                _ = _client.Receive(BlockBytes);
            answers.Add((command, error));
        }

        Errors = answers.ToLookup(answer => answer.Command, answer => answer.Error);

        // An answer too many would come before this one's.
        _ = _client.Call(NbdClient.Flush);
    }
}
