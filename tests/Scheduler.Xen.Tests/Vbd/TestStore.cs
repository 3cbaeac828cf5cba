using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;

namespace Scheduler.Xen.Tests.Vbd;

/// <summary>A xenstore over a Unix socket: nodes, watches, and transactions that fail if anything was written meanwhile.</summary>
internal sealed class TestStore : IDisposable
{
    private const uint Error = 16;
    private const uint Event = 15;

    private readonly string _directory = Directory.CreateTempSubdirectory("scheduler-test-").FullName;
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, string> _nodes = new(StringComparer.Ordinal);
    private readonly List<Client> _clients = [];
    private readonly Dictionary<uint, (Dictionary<string, string?> Writes, long Began)> _transactions = [];
    private long _changes;
    private uint _lastTransaction;

    public TestStore()
    {
        _listener.Bind(new UnixDomainSocketEndPoint(Path));
        _listener.Listen();
        new Thread(Accept) { IsBackground = true, Name = "test-store" }.Start();
    }

    public string Path => System.IO.Path.Combine(_directory, "socket");

    /// <summary>What to do before a request is carried out: its type and path.</summary>
    public Action<uint, string> Before { get; set; } = (_, _) => { };

    /// <summary>The error that a request, its type and path, gets in place of what it asks for; null: none.</summary>
    public Func<uint, string, string?> Refuse { get; set; } = (_, _) => null;

    /// <summary>How many connections there have been.</summary>
    public int Connections { get; private set; }

    /// <summary>Most bytes of a list; longer ones are E2BIG, and asked for in parts of that length.</summary>
    public int ListMax { get; set; } = 4096;

    public string? this[string path]
    {
        get
        {
            lock (_lock)
                return _nodes.GetValueOrDefault(Full(path));
        }

        set
        {
            lock (_lock)
            {
                if (value is null)
                    Remove(Full(path));
                else
                    Put(Full(path), value);
            }
        }
    }

    /// <summary>Ends the connections, and lets clients connect again.</summary>
    public void BreakConnections()
    {
        lock (_lock)
        {
            foreach (Client client in _clients)
                client.Socket.Shutdown(SocketShutdown.Both);
        }
    }

    /// <summary>Waits until a node has a value; null: it is not there.</summary>
    public void WaitFor(string path, string? value)
    {
        long end = Environment.TickCount64 + 10_000;
        while (this[path] != value)
        {
            if (Environment.TickCount64 > end)
                throw new TimeoutException($"{path} is '{this[path]}', not '{value}'; error: {string.Join("; ", Errors)}");
            Thread.Sleep(2);
        }
    }

    /// <summary>What backends have written as errors.</summary>
    public IReadOnlyList<string> Errors
    {
        get
        {
            lock (_lock)
                return [.. _nodes.Where(node => node.Key.Contains("/error/", StringComparison.Ordinal) && node.Key.EndsWith("/error", StringComparison.Ordinal)).Select(node => node.Value)];
        }
    }

    public void Dispose()
    {
        _listener.Dispose();
        BreakConnections();
        Directory.Delete(_directory, recursive: true);
    }

    private static string Full(string path) => path.StartsWith('/') ? path : $"/local/domain/0/{path}";

    private void Accept()
    {
        try
        {
            while (true)
            {
                Client client = new(_listener.Accept());
                lock (_lock)
                {
                    _clients.Add(client);
                    Connections++;
                }

                new Thread(() => Serve(client)) { IsBackground = true, Name = "test-store-client" }.Start();
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // The end.
        }
    }

    private void Serve(Client client)
    {
        byte[] header = new byte[16];
        try
        {
            while (true)
            {
                client.ReceiveAll(header);
                uint type = BinaryPrimitives.ReadUInt32LittleEndian(header);
                uint request = BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(4));
                uint transaction = BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(8));
                byte[] payload = new byte[BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(12))];
                client.ReceiveAll(payload);
                string[] parts = Encoding.Latin1.GetString(payload).Split('\0');
                Before(type, parts[0]);
                lock (_lock)
                {
                    bool failed = true;
                    string answer = Refuse(type, parts[0]) is { } error ? $"{error}\0" : Carry(client, type, transaction, parts, out failed);
                    client.Send(failed ? Error : type, request, answer);
                    if (type == 4 && !failed)
                        client.Send(Event, 0, $"{parts[0]}\0{parts[1]}\0");
                }
            }
        }
        catch (Exception exception) when (exception is SocketException or EndOfStreamException or ObjectDisposedException)
        {
            lock (_lock)
                _ = _clients.Remove(client);
            client.Socket.Dispose();
        }
    }

    private string Carry(Client client, uint type, uint transaction, string[] parts, out bool failed)
    {
        failed = false;
        string path = Full(parts[0]);
        switch (type)
        {
            case 1:
            case 22:
                return List(path, parts, type == 22, out failed);
            case 2:
                if (transaction != 0 && _transactions[transaction].Writes.TryGetValue(path, out string? written) && written is not null)
                    return written;
                failed = !_nodes.TryGetValue(path, out string? value);
                return failed ? "ENOENT\0" : value!;
            case 4:
                failed = path.Contains("//", StringComparison.Ordinal);
                if (failed)
                    return "EINVAL\0";
                client.Watches.Add((path, parts[0], parts[1]));
                return "OK\0";
            case 5:
                _ = client.Watches.RemoveAll(watch => watch.Path == path && watch.Name == parts[1]);
                return "OK\0";
            case 6:
                _transactions[++_lastTransaction] = ([], _changes);
                return $"{_lastTransaction}\0";
            case 7:
                (Dictionary<string, string?> writes, long began) = _transactions[transaction];
                _ = _transactions.Remove(transaction);
                if (parts[0] != "T")
                    return "OK\0";
                failed = began != _changes;
                if (failed)
                    return "EAGAIN\0";
                foreach ((string node, string? text) in writes)
                {
                    if (text is null)
                        _ = Remove(node);
                    else
                        Put(node, text);
                }

                return "OK\0";
            case 11:
                if (transaction == 0)
                    Put(path, parts[1]);
                else
                    _transactions[transaction].Writes[path] = parts[1];
                return "OK\0";
            case 13 when transaction != 0:
                _transactions[transaction].Writes[path] = null;
                return "OK\0";
            case 13:
                failed = !Remove(path);
                return failed ? "ENOENT\0" : "OK\0";
            default:
                failed = true;
                return "ENOSYS\0";
        }
    }

    private string List(string path, string[] parts, bool part, out bool failed)
    {
        HashSet<string> children = [.. _nodes.Keys
            .Where(key => key.StartsWith($"{path}/", StringComparison.Ordinal))
            .Select(key => key[(path.Length + 1)..].Split('/')[0])];
        string list = string.Concat(children.Order(StringComparer.Ordinal).Select(child => $"{child}\0"));
        failed = children.Count == 0 && !_nodes.ContainsKey(path);
        if (failed)
            return "ENOENT\0";
        if (!part)
        {
            failed = list.Length > ListMax;
            return failed ? "E2BIG\0" : list;
        }

        int at = int.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture);
        string rest = list[Math.Min(at, list.Length)..];
        return rest.Length > ListMax ? $"{_changes}\0{rest[..ListMax]}" : $"{_changes}\0{rest}\0";
    }

    private void Put(string path, string value)
    {
        // What it is below of is made with it.
        for (int end = path.LastIndexOf('/'); end > 0 && _nodes.TryAdd(path[..end], ""); end = path.LastIndexOf('/', end - 1))
        {
        }

        _nodes[path] = value;
        Changed(path);
    }

    private bool Remove(string path)
    {
        List<string> gone = [.. _nodes.Keys.Where(key => key == path || key.StartsWith($"{path}/", StringComparison.Ordinal))];
        foreach (string key in gone)
            _ = _nodes.Remove(key);
        if (gone.Count > 0)
            Changed(path);
        return gone.Count > 0;
    }

    // A watch hears of what is below it, and of what takes it away with it.
    private void Changed(string path)
    {
        _changes++;
        foreach (Client client in _clients)
        {
            foreach ((string watched, string given, string name) in client.Watches)
            {
                bool below = path == watched || path.StartsWith($"{watched}/", StringComparison.Ordinal);
                if (below)
                    client.Send(Event, 0, $"{given}{path[watched.Length..]}\0{name}\0");
                else if (watched.StartsWith($"{path}/", StringComparison.Ordinal))
                    client.Send(Event, 0, $"{given}\0{name}\0");
            }
        }
    }

    private sealed class Client(Socket socket)
    {
        public Socket Socket { get; } = socket;

        public List<(string Path, string Given, string Name)> Watches { get; } = [];

        public void ReceiveAll(Span<byte> bytes)
        {
            while (bytes.Length > 0)
            {
                int count = Socket.Receive(bytes);
                if (count == 0)
                    throw new EndOfStreamException();
                bytes = bytes[count..];
            }
        }

        public void Send(uint type, uint request, string payload)
        {
            byte[] message = new byte[16 + payload.Length];
            BinaryPrimitives.WriteUInt32LittleEndian(message, type);
            BinaryPrimitives.WriteUInt32LittleEndian(message.AsSpan(4), request);
            BinaryPrimitives.WriteUInt32LittleEndian(message.AsSpan(12), (uint)payload.Length);
            _ = Encoding.Latin1.GetBytes(payload, message.AsSpan(16));
            try
            {
                _ = Socket.Send(message);
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                // Its reader sees it.
            }
        }
    }
}
