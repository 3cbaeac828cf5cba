// The backend's end of a ring that the guest can write to at any time.
//
// S1  An entry is copied, once, before anything of it is looked at. Of the four indexes the backend believes only those that it
//     writes itself, which it keeps here: it reads the guest's producer of requests and its wish to be told of responses. A producer
//     that has run backwards, or further than there is room, breaks the ring for good.
// S3  Requests are under way until the guest was told of their responses; a table keeps what they ask for. What an earlier process
//     has left in it is taken first.
// S4  There are never more requests under way than the ring has entries.
// O6  What the guest had heard when it sent a request is known from its wish to be told: it asks for the response after the last
//     that it has taken. That is read before the producer; requests from that producer on were sent later. Besides, a
//     request in an entry means that the response there was taken, and one with the number (id) of an earlier one that
//     the earlier one's was: Linux gives the number that came back last first. All are rather too low than too high.
//     The table knows of a failure until what was sent before the guest heard of it is answered.
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Scheduler.Xen.Rings;
using static Scheduler.Xen.Blkif.BlkifAbi;

namespace Scheduler.Xen.Blkif;

/// <summary>Takes requests from a ring in shared memory, and puts responses there. One thread at a time.</summary>
internal sealed unsafe class BackRing
{
    private readonly byte* _ring;
    private readonly uint _entries;
    private readonly InFlightTable _table;

    /// <summary>What an earlier process has left and is not taken yet.</summary>
    private readonly Queue<int> _left;

    /// <summary>Whose response is in an entry.</summary>
    private readonly int[] _recordAt;

    /// <summary>How many answers of the scheduler had come when the response in an entry was put there.</summary>
    private readonly long[] _answersAt;

    /// <summary>The same by the request's number, of those below the number of entries.</summary>
    private readonly long[] _answersOf;

    private uint _requestsTaken;
    private uint _requestsSeen;
    private uint _responsesPut;
    private uint _responsesTold;

    // O6: what the guest had heard when the requests from _heardFrom on were sent.
    private uint _heardFrom;
    private long _heardThere;

    // O6: how many answers had come with the last that was a failure; from which request on the guest knew of it, once it does; and how
    // many requests from before are under way.
    private long _failedWith;
    private bool _failureUntold;
    private bool _failureHeard;
    private uint _failureHeardFrom;
    private int _sentBeforeHeard;

    /// <param name="ring">The ring's pages, one after the other; all zero, unless an earlier process has served it.</param>
    /// <param name="table">What is under way; has as many entries as the ring, a power of two.</param>
    public BackRing(nint ring, InFlightTable table)
    {
        _ring = (byte*)ring;
        _table = table;
        _entries = (uint)table.Entries;
        _answersAt = new long[_entries];
        _answersOf = new long[_entries];
        _recordAt = new int[_entries];
        _left = new Queue<int>(table.Left);
        _requestsTaken = _requestsSeen = _heardFrom = table.Taken;
        _responsesPut = _responsesTold = table.Told;

        // What the earlier process had said last, it may not have come to write.
        Volatile.Write(ref At(ResponseProducerAt), _responsesTold);
    }

    /// <summary>Requests that are taken and have no response.</summary>
    public int UnderWay => (int)(_requestsTaken - _responsesPut);

    /// <summary>How many of the scheduler's answers the guest had heard when it sent the last request that was taken.</summary>
    public long AnswersHeard { get; private set; }

    /// <summary>Whether the guest of a ring that another process has left had heard all that it was told, before it sent anything that was
    /// not taken.</summary>
    /// <param name="ring">The ring's pages.</param>
    /// <param name="table">What is under way.</param>
    /// <returns>Whether that is certain.</returns>
    public static bool HasHeardAll(nint ring, InFlightTable table)
    {
        // In this order: what is sent from now on is sent after the guest asked so.
        uint asked = Volatile.Read(ref Unsafe.AsRef<uint>((byte*)ring + ResponseEventAt));
        uint producer = Volatile.Read(ref Unsafe.AsRef<uint>((byte*)ring + RequestProducerAt));
        return asked == table.Told + 1 && producer == table.Taken;
    }

    /// <summary>Looks what the guest has sent.</summary>
    /// <returns>Requests that can be taken; -1 if the ring is broken.</returns>
    public int Look()
    {
        bool reached = (int)(_requestsTaken - _heardFrom) >= 0;
        if (reached)
            AnswersHeard = Math.Max(AnswersHeard, _heardThere);

        // In this order: requests from this producer on were sent after the guest asked so.
        long heard = AnswersBefore(Volatile.Read(ref At(ResponseEventAt)) - 1);
        uint producer = Volatile.Read(ref At(RequestProducerAt));
        if (producer - _requestsTaken > _entries || producer - _responsesTold > _entries)
            return -1;
        if (reached)
            (_heardFrom, _heardThere) = (producer, heard);
        _requestsSeen = producer;
        return _left.Count + (int)(producer - _requestsTaken);
    }

    /// <summary>Takes the next request; <see cref="Look"/> has said that there is one.</summary>
    /// <param name="copy">Receives it; of <see cref="EntryBytes"/>.</param>
    /// <returns>Its record, which comes back with its response.</returns>
    public int Take(Span<byte> copy)
    {
        if (_left.TryDequeue(out int record))
        {
            _table.Entry(record).CopyTo(copy);
            return record;
        }

        if (_requestsSeen == _requestsTaken)
            throw new InvalidOperationException("a request is taken from a ring that has none");
        uint place = _requestsTaken & (_entries - 1);
        record = _table.Add(Entry(_requestsTaken));
        _table.Entry(record).CopyTo(copy);
        AnswersHeard = Math.Max(AnswersHeard, _answersAt[place]);
        ulong id = BinaryPrimitives.ReadUInt64LittleEndian(copy[8..]);
        if (id < _entries)
            AnswersHeard = Math.Max(AnswersHeard, _answersOf[id]);
        if (_table.HasFailed && !_failureHeard && AnswersHeard >= _failedWith)
        {
            _failureHeard = true;
            _failureHeardFrom = _requestsTaken;
            _sentBeforeHeard = (int)(_requestsTaken - _responsesTold);
            _table.HasFailed = _sentBeforeHeard > 0;
        }

        _requestsTaken++;
        return record;
    }

    /// <summary>Asks the guest to tell when it sends more.</summary>
    /// <returns>Whether it has, meanwhile.</returns>
    public bool AskForMore()
    {
        Volatile.Write(ref At(RequestEventAt), _requestsTaken + 1);
        Interlocked.MemoryBarrier();
        return Volatile.Read(ref At(RequestProducerAt)) != _requestsTaken;
    }

    /// <summary>Puts a response into the ring; the guest sees it after <see cref="Tell"/>.</summary>
    /// <param name="record">The request's.</param>
    /// <param name="id">The request's.</param>
    /// <param name="operation">The request's.</param>
    /// <param name="status">What came of it.</param>
    /// <param name="answers">How many answers of the scheduler have come so far.</param>
    /// <param name="failed">Whether it was to change data, and the scheduler has failed it.</param>
    public void Put(int record, ulong id, byte operation, short status, long answers, bool failed = false)
    {
        if (UnderWay == 0)
            throw new InvalidOperationException("rule S3 is broken: a ring gets a response without a request");
        if (failed)
            (_failedWith, _failureUntold) = (answers, true);
        _table.Answer(record, _responsesPut);
        _recordAt[_responsesPut & (_entries - 1)] = record;
        byte* entry = Entry(_responsesPut);
        Unsafe.WriteUnaligned(entry, id);
        entry[8] = operation;
        entry[9] = 0;
        Unsafe.WriteUnaligned(entry + 10, status);
        Unsafe.WriteUnaligned(entry + 12, 0);
        _answersAt[_responsesPut & (_entries - 1)] = answers;
        if (id < _entries)
            _answersOf[id] = answers;
        _responsesPut++;
    }

    /// <summary>Whether something was put that the guest was not shown.</summary>
    public bool HasUntold => _responsesPut != _responsesTold;

    /// <summary>Shows the guest what was put.</summary>
    /// <returns>Whether it wants to be told.</returns>
    public bool Tell()
    {
        uint old = _responsesTold;
        if (old == _responsesPut)
            return false;
        _responsesTold = _responsesPut;
        if (_failureUntold)
        {
            _failureUntold = _failureHeard = false;
            _table.HasFailed = true;
        }

        _table.Tell(_responsesPut);
        Volatile.Write(ref At(ResponseProducerAt), _responsesPut);
        Interlocked.MemoryBarrier();
        for (uint told = old; told != _responsesPut; told++)
            Forget(_recordAt[told & (_entries - 1)]);
        return _responsesPut - Volatile.Read(ref At(ResponseEventAt)) < _responsesPut - old;
    }

    private void Forget(int record)
    {
        bool before = _failureHeard && (int)(_table.Index(record) - _failureHeardFrom) < 0;
        _table.Forget(record);
        if (before && --_sentBeforeHeard == 0)
            _table.HasFailed = false;
    }

    private ref uint At(int offset) => ref Unsafe.AsRef<uint>(_ring + offset);

    private byte* Entry(uint index) => _ring + EntriesAt + ((index & (_entries - 1)) * EntryBytes);

    // How many answers had come with the responses before one; 0 where that is not known any more, or there is no such response.
    private long AnswersBefore(uint response) =>
        _responsesTold - response > _entries || _responsesPut - response >= _entries ? 0 : _answersAt[(response - 1) & (_entries - 1)];
}
