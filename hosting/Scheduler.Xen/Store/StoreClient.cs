// Calls to xenstore, one at a time, over a descriptor that does not block: the daemon's Unix socket, or the kernel's device.
//
// S4  What comes is bounded: a message by its header, which is checked; events are handed on as they are read and not kept. A call
//     that is not answered in time breaks the connection.
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Scheduler.Storage;
using Scheduler.Xen.Hypervisor;

namespace Scheduler.Xen.Store;

/// <summary>A connection to xenstore. One thread at a time. Values are Latin-1: each byte is a character. All calls throw
/// <see cref="StoreException"/> when the connection is broken; those that change something, and <see cref="Watch"/>, throw
/// <see cref="StoreRefusedException"/> when xenstore does not do it.</summary>
internal sealed unsafe class StoreClient : IDisposable
{
    /// <summary>Longest time of a call in milliseconds.</summary>
    public const int CallMsMax = 5000;

    // Who changes nodes all the time does not keep its caller here.
    private const int EventsMax = 1000;

    // Somebody else changes the same nodes again and again.
    private const int TransactionTriesMax = 20;

    // A transaction that is to change nothing.
    private const string NothingToDo = "";

    private readonly string _path;
    private readonly int _file;
    private readonly Action<string, string> _happened;
    private readonly byte[] _received = new byte[StoreHeader.Bytes + StoreHeader.PayloadMax];
    private readonly byte[] _sent = new byte[StoreHeader.Bytes + StoreHeader.PayloadMax];
    private int _receivedBytes;
    private uint _request;
    private bool _closed;

    private StoreClient(string path, int file, Action<string, string> happened)
    {
        _path = path;
        _file = file;
        _happened = happened;
    }

    /// <summary>Is readable when something that is watched has changed: then <see cref="Receive"/> is to be called.</summary>
    public int Descriptor => _file;

    /// <summary>Connects.</summary>
    /// <param name="path">Path of the daemon's socket, or of the kernel's device.</param>
    /// <param name="happened">Told of changes, the path and the watch's name, during any call; calls nothing here.</param>
    /// <returns>The connection.</returns>
    /// <exception cref="StoreException">It can't be reached.</exception>
    public static StoreClient Connect(string path, Action<string, string> happened)
    {
        int file = IsDevice(path)
            ? DeviceCalls.Open(path, DeviceCalls.ReadWrite | DeviceCalls.NonBlocking | DeviceCalls.CloseOnExec)
            : ConnectSocket(path);
        return file >= 0
            ? new StoreClient(path, file, happened)
            : throw new StoreException($"xenstore can't be reached at {path}: {DeviceCalls.LastError}");
    }

    /// <summary>Reads a node.</summary>
    /// <param name="path">The node.</param>
    /// <returns>Its value; null if it is not there, or is not to be read.</returns>
    public string? Read(string path) => Call(StoreType.Read, 0, out string value, path, "") is null ? value : null;

    /// <summary>Lists a node's children.</summary>
    /// <param name="path">The node.</param>
    /// <returns>Their names; empty if it is not there.</returns>
    public IReadOnlyList<string> List(string path)
    {
        string? error = Call(StoreType.Directory, 0, out string names, path, "");
        return error switch
        {
            null => names.Split('\0', StringSplitOptions.RemoveEmptyEntries),
            "E2BIG" => ListParts(path),
            _ => [],
        };
    }

    /// <summary>Writes a node, which is made if it is not there.</summary>
    /// <param name="path">The node.</param>
    /// <param name="value">Its value.</param>
    public void Write(string path, string value) => Must(Call(StoreType.Write, 0, out _, $"{path}\0{value}"), path);

    /// <summary>Writes nodes of a directory at once, if that is there, and has not been replaced.</summary>
    /// <param name="directory">The directory.</param>
    /// <param name="proof">A node in it that is there as long as it is.</param>
    /// <param name="nodes">Names and values.</param>
    /// <returns>False if it is not there.</returns>
    public bool Update(string directory, string proof, IEnumerable<(string Node, string Value)> nodes)
    {
        string? problem = Transact(transaction =>
            Call(StoreType.Read, transaction, out _, $"{directory}/{proof}", "") is not null
                ? NothingToDo
                : nodes.Select(node => Call(StoreType.Write, transaction, out _, $"{directory}/{node.Node}\0{node.Value}")).FirstOrDefault(error => error is not null));
        if (problem != NothingToDo)
            Must(problem, directory);
        return problem is null;
    }

    /// <summary>Removes a node and what is below it.</summary>
    /// <param name="path">The node.</param>
    public void Remove(string path)
    {
        if (Call(StoreType.Remove, 0, out _, path, "") is { } error and not "ENOENT")
            Must(error, path);
    }

    /// <summary>Removes a node that has none below it, if xenstore lets it.</summary>
    /// <param name="path">The node, which need not be there.</param>
    public void RemoveEmpty(string path) => _ = Transact(transaction =>
        Call(StoreType.Directory, transaction, out string names, path, "") is null && names.Length == 0
            ? Call(StoreType.Remove, transaction, out _, path, "")
            : NothingToDo);

    /// <summary>Is told of changes of a node, and below it; the first time at once.</summary>
    /// <param name="path">The node, which need not be there.</param>
    /// <param name="name">What the watch is called.</param>
    public void Watch(string path, string name) => Must(Call(StoreType.Watch, 0, out _, path, name, ""), path);

    /// <summary>Ends a watch.</summary>
    /// <param name="path">The node.</param>
    /// <param name="name">What the watch is called.</param>
    public void Unwatch(string path, string name) => _ = Call(StoreType.Unwatch, 0, out _, path, name, "");

    /// <summary>Takes what has come, or a part of it, without waiting.</summary>
    /// <exception cref="StoreException">The connection is broken.</exception>
    public void Receive()
    {
        for (int i = 0; i < EventsMax && TryReceive(out StoreHeader header, out ReadOnlySpan<byte> payload); i++)
        {
            if (header.Type != StoreType.WatchEvent)
                throw Broken($"answers request {header.Request}, which nobody waits for");
            Happened(payload);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_closed)
            return;
        _closed = true;
        _ = SocketCalls.close(_file);
    }

    private static bool IsDevice(string path) => path.StartsWith("/dev/", StringComparison.Ordinal);

    // The socket's descriptor goes on alone: it is read and written as the device is.
    private static int ConnectSocket(string path)
    {
        using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (Exception exception) when (exception is SocketException or ArgumentException)
        {
            throw new StoreException($"xenstore can't be reached at {path}: {exception.Message}");
        }

        return StoreCalls.Duplicate((int)socket.Handle);
    }

    private static void Must(string? error, string what)
    {
        if (error is not null)
            throw new StoreRefusedException($"xenstore refuses {what.Split('\0')[0]}: {error}");
    }

    // The error, or null. What the body says is done again if others have changed the same nodes meanwhile.
    private string? Transact(Func<uint, string?> body)
    {
        string? problem = null;
        for (int i = 0; i < TransactionTriesMax; i++)
        {
            Must(Call(StoreType.TransactionStart, 0, out string id, "", ""), "a transaction");
            if (!uint.TryParse(id.TrimEnd('\0'), NumberStyles.None, CultureInfo.InvariantCulture, out uint transaction))
                throw Broken($"gives transaction '{id}'");
            problem = body(transaction);
            string? ended = Call(StoreType.TransactionEnd, transaction, out _, problem is null ? "T" : "F", "");
            problem ??= ended;
            if (problem != "EAGAIN")
                break;
        }

        return problem;
    }

    private string[] ListParts(string path)
    {
        StringBuilder names = new();
        string? generation = null;
        while (true)
        {
            string at = names.Length.ToString(CultureInfo.InvariantCulture);
            Must(Call(StoreType.DirectoryPart, 0, out string part, path, at, ""), path);
            int end = part.IndexOf('\0', StringComparison.Ordinal);
            if (end < 0)
                throw Broken("lists children without their generation");

            // Changed meanwhile: from the beginning.
            if (generation is not null && generation != part[..end])
            {
                (generation, _) = (null, names.Clear());
                continue;
            }

            generation = part[..end];
            string more = part[(end + 1)..];
            bool last = more.Length == 0 || more == "\0" || more.EndsWith("\0\0", StringComparison.Ordinal);
            _ = names.Append(more);
            if (last)
                return names.ToString().Split('\0', StringSplitOptions.RemoveEmptyEntries);
        }
    }

    // The error's name, or null. Each part but the last one ends with a zero.
    private string? Call(StoreType type, uint transaction, out string value, params ReadOnlySpan<string> parts)
    {
        string payload = string.Join('\0', parts);
        if (payload.Length > StoreHeader.PayloadMax)
        {
            value = "";
            return "E2BIG";
        }

        uint request = ++_request;
        StoreHeader header = new(type, request, transaction, (uint)payload.Length);
        MemoryMarshal.Write(_sent, header);
        _ = Encoding.Latin1.GetBytes(payload, _sent.AsSpan(StoreHeader.Bytes));
        long end = Stopwatch.GetTimestamp() + (Stopwatch.Frequency * CallMsMax / 1000);
        Send(_sent.AsSpan(0, StoreHeader.Bytes + payload.Length), end);
        while (true)
        {
            if (!TryReceive(out StoreHeader answer, out ReadOnlySpan<byte> text))
            {
                Wait(StoreCalls.Readable, end);
                continue;
            }

            if (answer.Type == StoreType.WatchEvent)
            {
                Happened(text);
                continue;
            }

            if (answer.Request != request || (answer.Type != type && answer.Type != StoreType.Error))
                throw Broken($"answers {answer.Type} {answer.Request} to {type} {request}");
            value = Encoding.Latin1.GetString(text);
            return answer.Type == StoreType.Error ? value.TrimEnd('\0') : null;
        }
    }

    private void Happened(ReadOnlySpan<byte> payload)
    {
        string[] parts = Encoding.Latin1.GetString(payload).Split('\0');
        if (parts.Length < 2)
            throw Broken("tells of a change without a path and a name");
        _happened(parts[0], parts[1]);
    }

    private void Send(ReadOnlySpan<byte> message, long end)
    {
        fixed (byte* start = message)
        {
            int sent = 0;
            while (sent < message.Length)
            {
                nint count = DeviceCalls.Write(_file, start + sent, message.Length - sent);
                if (count > 0)
                    sent += (int)count;
                else if (Marshal.GetLastPInvokeError() is Errno.EAGAIN or Errno.EINTR)
                    Wait(StoreCalls.Writable, end);
                else
                    throw Broken("can't be written to");
            }
        }
    }

    // The payload is valid until the next call.
    private bool TryReceive(out StoreHeader header, out ReadOnlySpan<byte> payload)
    {
        payload = default;
        header = default;
        if (!TryFill(StoreHeader.Bytes))
            return false;
        header = MemoryMarshal.Read<StoreHeader>(_received);
        if (header.Length > StoreHeader.PayloadMax)
            throw Broken($"sends a message of {header.Length} bytes, which is longer than the {StoreHeader.PayloadMax} that one may have");
        if (!TryFill(StoreHeader.Bytes + (int)header.Length))
            return false;
        payload = _received.AsSpan(StoreHeader.Bytes, (int)header.Length);
        _receivedBytes = 0;
        return true;
    }

    private bool TryFill(int bytes)
    {
        fixed (byte* start = _received)
        {
            while (_receivedBytes < bytes)
            {
                nint count = DeviceCalls.Read(_file, start + _receivedBytes, bytes - _receivedBytes);
                if (count > 0)
                    _receivedBytes += (int)count;
                else if (count == 0)
                    throw Broken("has closed the connection");
                else if (Marshal.GetLastPInvokeError() == Errno.EAGAIN)
                    return false;
                else if (Marshal.GetLastPInvokeError() != Errno.EINTR)
                    throw Broken($"can't be read: {DeviceCalls.LastError}");
            }
        }

        return true;
    }

    private void Wait(short events, long end)
    {
        long left = (end - Stopwatch.GetTimestamp()) * 1000 / Stopwatch.Frequency;
        if (left <= 0 || !StoreCalls.Wait(_file, events, (int)left + 1))
            throw Broken($"does not answer for {CallMsMax} ms");
    }

    private StoreException Broken(string what) => new($"xenstore at {_path} {what}");
}
