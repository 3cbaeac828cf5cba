using Scheduler.Xen.Blkif;
using Scheduler.Xen.Client;

namespace Scheduler.Interop.Tests.Durability;

/// <summary>
/// A guest that sends writes and barriers without waiting for any of them, until the service is gone; and what of them may be on the
/// platter afterwards. Writes between two barriers have the same rank, a barrier's own data the next: nothing of a rank may
/// be there unless everything of lower ranks is (O2). It has blocks of its own, and writes none twice between two barriers.
/// </summary>
internal sealed class BarrierWriter
{
    private const int WritesMax = 6;
    private const int Entries = 32;

    private readonly PatternDisk _disk;
    private readonly int[] _blocks;
    private readonly Random _random;
    private readonly RingClient _ring;
    private readonly Thread _thread;
    private readonly Stack<int> _freePages = new(Enumerable.Range(0, Entries));
    private readonly List<(int Block, long Number, int Rank, int Page)> _requests = [];
    private int _rank;
    private int _durableRank = -1;
    private Exception? _surprise;

    /// <param name="path">The service's socket for rings.</param>
    /// <param name="disk">The disk; a tag-flush one.</param>
    /// <param name="share">Which of the disk's writers this is.</param>
    /// <param name="shares">How many there are.</param>
    /// <param name="seed">Of its choices.</param>
    public BarrierWriter(string path, PatternDisk disk, int share, int shares, int seed)
    {
        _disk = disk;
        _blocks = [.. Enumerable.Range(0, disk.Blocks).Where(block => block % shares == share)];
        _random = new Random(seed);
        _ring = RingClient.Connect(path, disk.Name);
        _thread = new Thread(Run) { IsBackground = true };
        _thread.Start();
    }

    /// <summary>Barriers that were acknowledged.</summary>
    public int Barriers { get; private set; }

    /// <summary>Waits until it has noticed that the service is gone.</summary>
    public void Join()
    {
        _thread.Join();
        _ring.Dispose();
        if (_surprise is not null)
            throw new InvalidOperationException("a writer failed", _surprise);
    }

    /// <summary>After a cut: compares the platter with what may be there.</summary>
    /// <param name="raw">The platter.</param>
    /// <returns>What is wrong; and how many writes are gone, as they may.</returns>
    public (List<string> Wrong, int Lost) Check(Stream raw)
    {
        List<string> wrong = [];
        Dictionary<int, long[]> found = _blocks.ToDictionary(block => block, block => _disk.Found(raw, block));
        wrong.AddRange(found.Where(block => block.Value.Contains(-1)).Select(block => $"disk {_disk.Name} block {block.Key}: no write has left what is there"));

        // The highest rank of which anything is there.
        (long Number, int Rank) last = (0, -1);
        foreach ((int block, long number, int rank, _) in _requests)
        {
            if (rank > last.Rank && block >= 0 && found[block].Contains(number))
                last = (number, rank);
        }

        int lost = 0;
        foreach ((int block, long number, int rank, _) in _requests.Where(request => request.Block >= 0))
        {
            long lowest = found[block].Min();
            if (lowest >= number)
                continue;
            lost++;
            if (rank < last.Rank)
                wrong.Add($"disk {_disk.Name}: number {last.Number} of rank {last.Rank} is there, and of block {block} number {lowest} in place of {number} of rank {rank}");
            else if (rank <= _durableRank)
                wrong.Add($"disk {_disk.Name}: a barrier behind rank {_durableRank} was acknowledged, and of block {block} number {lowest} is there in place of {number} of rank {rank}");
        }

        return (wrong, lost);
    }

    private void Run()
    {
        try
        {
            while (!_ring.IsClosed)
            {
                _random.Shuffle(_blocks);
                int writes = _random.Next(1, WritesMax + 1);
                for (int i = 0; i < writes; i++)
                    Add(BlkifAbi.Write, _blocks[i], _rank);
                bool empty = _random.Next(4) == 0;
                Add(BlkifAbi.WriteBarrier, empty ? -1 : _blocks[writes], _rank + 1);
                _ring.Send();
                _rank += 2;
            }
        }
        catch (Exception exception)
        {
            _surprise = exception;
        }
    }

    private void Add(byte operation, int block, int rank)
    {
        while ((_ring.IsFull || _freePages.Count == 0) && !_ring.IsClosed)
        {
            _ring.Send();
            if (_ring.Wait())
                TakeAnswers();
        }

        if (_ring.IsClosed)
            return;
        int page = _freePages.Pop();
        long number = -1;
        if (block >= 0)
        {
            (number, byte[] data) = _disk.Send(block);
            data.CopyTo(_ring.Data(page, PatternDisk.BlockBytes));
        }

        _requests.Add((block, number, rank, page));
        _ring.Add(operation, (ulong)_requests.Count - 1, (long)Math.Max(0, block) * PatternDisk.BlockBytes, page, block >= 0 ? 1 : 0);
    }

    private void TakeAnswers()
    {
        while (_ring.TryTake(out RingResponse response))
        {
            (_, _, int rank, int page) = _requests[(int)response.Id];
            _freePages.Push(page);

            // What the dying disk has failed is not acknowledged.
            if (response.Operation != BlkifAbi.WriteBarrier || response.Status != 0)
                continue;
            Barriers++;
            _durableRank = Math.Max(_durableRank, rank);
        }
    }
}
