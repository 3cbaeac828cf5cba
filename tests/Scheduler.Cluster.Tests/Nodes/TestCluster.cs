using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Scheduler.Interop.Tests.Harness;
using Scheduler.Storage.Tests.Journal;

namespace Scheduler.Cluster.Tests.Nodes;

/// <summary>
/// Three nodes as processes, with a database of their own, and volumes in files that all of them reach. Every volume has a disk for
/// a guest of each node: <c>d12</c> is that of volume 1 for node 2.
/// </summary>
internal sealed class TestCluster : IDisposable
{
    public const int Count = 3;
    public const int DiskMib = 8;

    /// <summary>What the configuration's times add up to, and a slow machine.</summary>
    public static readonly TimeSpan TakeoverMax = TimeSpan.FromSeconds(15);

    private readonly TemporaryDirectory _directory = new();
    private readonly ServiceProcess?[] _nodes = new ServiceProcess?[Count];
    private readonly int[] _ports = FreePorts(2 * Count);
    private readonly int[] _nbdPorts = FreePorts(Count);
    private readonly string _database;
    private readonly string _more;
    private readonly NodeNetwork? _network;

    /// <param name="postgres">The database's server.</param>
    /// <param name="more">More configuration, of all nodes.</param>
    /// <param name="fenceDelay">Seconds that the fence waits before it does anything.</param>
    /// <param name="network">The nodes' own network; null: they are on this machine's loopback.</param>
    public TestCluster(PostgresCluster postgres, string more = "", double fenceDelay = 0, NodeNetwork? network = null)
    {
        _network = network;
        Requires.Tool("fio", "qemu-io");
        _database = postgres.NewDatabase();
        _more = more;
        for (int volume = 1; volume <= Count; volume++)
        {
            using FileStream made = File.Create(VolumePath(volume));
            made.SetLength((Count + 1) * DiskMib << 20);
        }

        // Ends the process whose number was recorded, and waits until it is gone, or waits to be buried.
        File.WriteAllText(FencePath, string.Create(CultureInfo.InvariantCulture, $$"""
            #!/bin/sh
            # VOLUME NODE PROCESS STARTED BOOT
            sleep {{fenceDelay}}
            echo "$1 $2 $3" >> '{{_directory.File("fenced")}}'
            kill -9 "$3" 2>/dev/null
            for i in $(seq 200); do
                state=$(sed -E 's/.*\) (.).*/\1/' "/proc/$3/stat" 2>/dev/null) || exit 0
                [ "$state" = Z ] && exit 0
                sleep 0.05
            done
            exit 1

            """));
        _ = Tool.Run("chmod", "u+x", FencePath).Succeeded();
    }

    private string FencePath => _directory.File("fence.sh");

    /// <summary>The files of the nodes and their volumes.</summary>
    public TemporaryDirectory Directory => _directory;

    /// <summary>Npgsql's connection string.</summary>
    public string Database => _database;

    /// <summary>The nodes' volumes and disks, the same for all, without what is about the cluster.</summary>
    public string Volumes => $$"""
        volumes { {{string.Join(", ", Enumerable.Range(1, Count).Select(v => $"v{v} {{ path = \"{VolumePath(v)}\", size = {(Count + 1) * DiskMib}MiB, cache = direct }}"))}} }
        guests { g1 {}, g2 {}, g3 {} }
        disks { {{string.Join(", ", from v in Enumerable.Range(1, Count) from g in Enumerable.Range(1, Count) select $"d{v}{g} {{ volume = v{v}, guest = g{g}, offset = {OffsetOf(g)}, size = {DiskMib}MiB }}")}} }
        """;

    /// <summary>A node that runs.</summary>
    /// <param name="number">From 1.</param>
    public ServiceProcess this[int number] => _nodes[number - 1]!;

    /// <summary>The file of a volume.</summary>
    public string VolumePath(int volume) => _directory.File($"v{volume}.img");

    /// <summary>Where a guest's disk begins on its volume.</summary>
    public static long OffsetOf(int guest) => (long)(guest - 1) * DiskMib << 20;

    /// <summary>Starts a node, and waits until it says that it is ready; it may have no volume yet.</summary>
    /// <param name="number">From 1.</param>
    /// <param name="more">More configuration of this node alone.</param>
    public void Start(int number, string more = "")
    {
        string file = Configure(number, $"{AddressOf(number)}:{_ports[number - 1]}", PayloadOf(number).ToString(), _nbdPorts[number - 1], more);
        _nodes[number - 1]?.Dispose();
        _nodes[number - 1] = ServiceProcess.StartProgram(_directory, ProgramOf(number), file);
    }

    /// <summary>Starts node 9, which can't start.</summary>
    /// <param name="more">More configuration of this node alone.</param>
    /// <returns>How it ended.</returns>
    public ToolResult StartInVain(string more = "")
    {
        int[] ports = FreePorts(3);
        return Tool.Run(SchedulerProgram.Path, "serve", "--config", Configure(9, $"127.0.0.1:{ports[0]}", $"127.0.0.1:{ports[1]}", ports[2], more));
    }

    /// <summary>Where a node takes what other nodes' guests write and read.</summary>
    public IPEndPoint PayloadOf(int number) => new(IPAddress.Parse(AddressOf(number)), _ports[Count + number - 1]);

    private string Configure(int number, string listen, string payload, int nbdPort, string more)
    {
        string file = _directory.File($"n{number}.conf");
        string seeds = string.Join(", ", Enumerable.Range(1, Count).Select(node => $"\"tcp://{AddressOf(node)}:{_ports[node - 1]}\""));
        File.WriteAllText(file, $$"""
            scheduler {
              data-dir = "{{_directory.File($"n{number}")}}"
              engine = akka
              journal.postgres = "{{_database}}"
              cluster {
                node = n{{number}}, listen = "tcp://{{listen}}", payload = "tcp://{{payload}}"
                seeds = [{{seeds}}]
                fence.command = ["{{FencePath}}"]
              }
              nbd.listen = ["tcp://127.0.0.1:{{nbdPort}}", "unix:n{{number}}.sock"]
              admin.listen = "http://127.0.0.1:0"
              {{Volumes}}
              {{_more}}
              {{more}}
            }
            """);
        return file;
    }

    /// <summary>Starts the service on the same volumes and journal, as a process alone.</summary>
    public ServiceProcess StartAlone()
    {
        string file = _directory.File("alone.conf");
        File.WriteAllText(file, $$"""
            scheduler {
              data-dir = "{{_directory.File("alone")}}"
              journal.postgres = "{{_database}}"
              nbd.listen = ["tcp://127.0.0.1:0", "unix:alone.sock"]
              admin.listen = "http://127.0.0.1:0"
              {{Volumes}}
            }
            """);
        return ServiceProcess.StartProgram(_directory, SchedulerProgram.Path, file);
    }

    /// <summary>Starts all nodes, and waits until every volume has an owner that all know.</summary>
    public TestCluster StartAll()
    {
        Parallel.For(1, Count + 1, number => Start(number));
        WaitUntilServed(Count);
        return this;
    }

    /// <summary>Waits until all nodes are ready, and each owns some of the volumes.</summary>
    /// <param name="owners">So many nodes own one at least.</param>
    public void WaitUntilServed(int owners = 1)
    {
        DateTime deadline = DateTime.UtcNow.AddSeconds(60);
        while (true)
        {
            List<string> problems = [];
            foreach (ServiceProcess node in _nodes.OfType<ServiceProcess>().Where(node => !node.Process.HasExited))
            {
                // On a network of their own their loopback is another one.
                if (_network is not null)
                    continue;
                try
                {
                    (HttpStatusCode status, string text) = node.Get("/readyz");
                    if (status != HttpStatusCode.OK)
                        problems.Add(text);
                }
                catch (AggregateException gone) when (gone.InnerException is HttpRequestException)
                {
                    throw new InvalidOperationException($"a node has ended: {gone.InnerException.Message}\n{Logs()}", gone);
                }
            }

            int[] now = [.. Enumerable.Range(1, Count).Select(OwnerOf)];
            if (problems.Count == 0 && !now.Contains(0) && now.Distinct().Count() >= owners)
                return;
            if (DateTime.UtcNow > deadline)
                throw new TimeoutException($"the volumes are not served: {string.Join("; ", problems)}; owners {string.Join(", ", now)}\n{Logs()}");
            Thread.Sleep(100);
        }
    }

    /// <summary>The node that says that it owns a volume; 0: none does.</summary>
    /// <param name="volume">From 1.</param>
    public int OwnerOf(int volume)
    {
        // The last that has said so under the highest epoch, if it has not given it up since.
        (long Epoch, int Node) best = default;
        for (int number = 1; number <= Count; number++)
        {
            if (_nodes[number - 1] is not { } node || node.Process.HasExited)
                continue;
            Match owned = Regex.Match(node.Process.Log, $@"Volume v{volume}: node n{number} owns it under epoch (\d+)", RegexOptions.RightToLeft);
            if (!owned.Success || node.Process.Log.LastIndexOf($"Volume v{volume} is not served by this node", StringComparison.Ordinal) > owned.Index)
                continue;
            long epoch = long.Parse(owned.Groups[1].ValueSpan, CultureInfo.InvariantCulture);
            if (epoch > best.Epoch)
                best = (epoch, number);
        }

        return best.Node;
    }

    /// <summary>Waits until another node owns a volume.</summary>
    public void AwaitOwner(int volume, int but)
    {
        DateTime deadline = DateTime.UtcNow.AddSeconds(60);
        while (OwnerOf(volume) is var owner && (owner == 0 || owner == but))
        {
            if (DateTime.UtcNow > deadline)
                throw new TimeoutException($"volume {volume} is not taken over\n{Logs()}");
            Thread.Sleep(50);
        }
    }

    /// <summary>What the fence has ended: volume, node and process, a line each.</summary>
    public string[] Fenced() => File.Exists(_directory.File("fenced")) ? File.ReadAllLines(_directory.File("fenced")) : [];

    /// <summary>Ends a node with kill -9.</summary>
    public void Kill(int number)
    {
        this[number].Process.Kill();
        this[number].Dispose();
        _nodes[number - 1] = null;
    }

    /// <summary>Stops a node as an operator does.</summary>
    public void Stop(int number)
    {
        this[number].Stop();
        this[number].Dispose();
        _nodes[number - 1] = null;
    }

    /// <summary>Stops all nodes that run at once.</summary>
    public void StopAll() => Parallel.ForEach(Enumerable.Range(1, Count).Where(number => _nodes[number - 1] is not null), Stop);

    public string Logs() => string.Join("\n\n", _nodes.OfType<ServiceProcess>().Select(node => node.Process.Log));

    /// <summary>Fails if a node broke.</summary>
    public void AssertNothingBroke()
    {
        foreach (ServiceProcess node in _nodes.OfType<ServiceProcess>())
            node.AssertNothingBroke();
    }

    public void Dispose()
    {
        foreach (ServiceProcess node in _nodes.OfType<ServiceProcess>())
            node.Dispose();
        _directory.Dispose();
    }

    private string AddressOf(int number) => _network is null ? "127.0.0.1" : NodeNetwork.AddressOf(number);

    // "ip netns exec" becomes the program: the process is the same.
    private string ProgramOf(int number)
    {
        if (_network is null)
            return SchedulerProgram.Path;
        string script = _directory.File($"n{number}.sh");
        File.WriteAllText(script, $"#!/bin/sh\nexec ip netns exec {_network.NameOf(number)} '{SchedulerProgram.Path}' \"$@\"\n");
        _ = Tool.Run("chmod", "u+x", script).Succeeded();
        return script;
    }

    /// <summary>Ports of this machine that nobody uses.</summary>
    public static int[] FreePorts(int count)
    {
        List<Socket> sockets = [.. Enumerable.Range(0, count).Select(_ => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp))];
        foreach (Socket socket in sockets)
            socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        int[] ports = [.. sockets.Select(socket => ((IPEndPoint)socket.LocalEndPoint!).Port)];
        sockets.ForEach(socket => socket.Dispose());
        return ports;
    }
}
