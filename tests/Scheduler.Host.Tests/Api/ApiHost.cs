using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Actors;
using Scheduler.Host.Api;
using Scheduler.Host.Configuration;
using Scheduler.Host.Running;

namespace Scheduler.Host.Tests.Api;

/// <summary>A service with its admin address, and a catalog that declares what the service serves.</summary>
internal sealed class ApiHost : IAsyncDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("scheduler-test-").FullName;
    private readonly Observability _observability;
    private Service _service = null!;
    private WebApplication _admin = null!;
    private ServiceFigures _figures = null!;

    private ApiHost(string admin, string[] sets)
    {
        string file = Path.Combine(_directory, "test.conf");
        File.WriteAllText(file, $$"""
            scheduler {
              data-dir = "{{_directory}}", nbd.listen = ["unix:{{_directory}}/nbd.sock"], admin.listen = "{{admin.Replace("DIR", _directory).Replace("RELATIVE", Path.GetRelativePath(".", _directory))}}"
              volumes.v { device = memory, size = 8MiB }
              guests.g {}
              disks.d { volume = v, guest = g, offset = 0, size = 4MiB }
            }
            """);
        Settings = SettingsLoader.Load(file, sets, _ => null);
        _observability = new Observability(Settings.Telemetry, 2000);
        Catalog = new TestCatalog(
        [
            new CatalogVolume { Name = "v", Size = 8 << 20 },
            new CatalogGuest { Name = "g" },
            new CatalogDisk { Name = "d", Volume = "v", Guest = "g", Offset = 0, Size = 4 << 20 },
        ]);
    }

    public ServiceSettings Settings { get; }

    public TestCatalog Catalog { get; }

    public TestFigures Figures { get; private set; } = null!;

    public LogLines Log { get; } = new();

    public string DirectoryPath => _directory;

    public string Url => AdminServer.UrlOf(_admin);

    public HttpClient Http { get; private set; } = null!;

    public static async Task<ApiHost> StartAsync(string admin = "http://127.0.0.1:0", params string[] sets)
    {
        ApiHost host = new(admin, sets);
        try
        {
            await host.Catalog.Recovered;
            host._service = await Service.StartAsync(host.Settings, host._observability.Volumes, NullLoggerFactory.Instance);
            host._figures = new ServiceFigures(host._service);
            host.Figures = new TestFigures(host._figures);
            host._admin = await AdminServer.StartAsync(
                host.Settings,
                new AdminTarget(host._service, host.Catalog, host.Figures),
                host._observability.Prometheus,
                logging => logging.SetMinimumLevel(LogLevel.Information).AddProvider(host.Log));
            host.Http = host.Client();
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    /// <summary>A client of the address, over TCP or the Unix socket.</summary>
    public HttpClient Client(string? token = null)
    {
        SocketsHttpHandler handler = new() { UseProxy = false };
        string url = Url;
        if (Settings.AdminListen is UnixListenEndpoint unix)
        {
            url = "http://localhost";
            handler.ConnectCallback = async (_, cancellation) =>
            {
                Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(unix.Path), cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            };
        }

        HttpClient http = new(handler) { BaseAddress = new Uri(url) };
        if (token is not null)
            http.DefaultRequestHeaders.Authorization = new("Bearer", token);
        return http;
    }

    /// <summary>Sends a request below /api/v1.</summary>
    public Task<ApiAnswer> Send(string method, string path, string? body = null, params (string Name, string Value)[] headers) =>
        Send(Http, method, path, body, headers);

    public static async Task<ApiAnswer> Send(HttpClient http, string method, string path, string? body = null, params (string Name, string Value)[] headers)
    {
        using HttpRequestMessage request = new(new HttpMethod(method), AdminApi.Prefix + path);
        if (body is not null)
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        foreach ((string name, string value) in headers)
            Assert.True(request.Headers.TryAddWithoutValidation(name, value), name);
        return await ApiAnswer.Of(http, request);
    }

    public async ValueTask DisposeAsync()
    {
        Http?.Dispose();
        if (_admin is not null)
            await _admin.DisposeAsync();
        _figures?.Dispose();
        _ = await _service.StopAsync();
        await _service.DisposeAsync();
        _observability.Dispose();
        Directory.Delete(_directory, recursive: true);
    }
}

/// <summary>An answer of the API.</summary>
internal sealed record ApiAnswer(int Status, string Text, string? Type, string? Tag, string? Authenticate)
{
    public JsonNode Json => JsonNode.Parse(Text)!;

    public static async Task<ApiAnswer> Of(HttpClient http, HttpRequestMessage request)
    {
        using HttpResponseMessage response = await http.SendAsync(request);
        return new ApiAnswer(
            (int)response.StatusCode,
            await response.Content.ReadAsStringAsync(),
            response.Content.Headers.ContentType?.MediaType,
            response.Headers.ETag?.ToString(),
            response.Headers.WwwAuthenticate.FirstOrDefault()?.ToString());
    }

    /// <summary>It is problem details of a status, in one line.</summary>
    public string Problem(int status)
    {
        Assert.True(Status == status, $"status {Status} for {status}: {Text}");
        Assert.Equal("application/problem+json", Type);
        using JsonDocument problem = JsonDocument.Parse(Text);
        Assert.Equal(status, problem.RootElement.GetProperty("status").GetInt32());
        Assert.NotEmpty(problem.RootElement.GetProperty("title").GetString()!);
        string detail = problem.RootElement.GetProperty("detail").GetString()!;
        Assert.DoesNotContain(detail, char.IsControl);
        Assert.InRange(detail.Length, 1, 600);
        return detail;
    }

    public JsonNode Ok(int status = 200)
    {
        Assert.True(Status == status, $"status {Status} for {status}: {Text}");
        return Text.Length == 0 ? JsonValue.Create("") : Json;
    }
}

/// <summary>The figures of a real service, with rings.</summary>
internal sealed class TestFigures(ILiveFigures service) : ILiveFigures
{
    public List<RingFigures> AllRings { get; set; } = [];

    public IReadOnlyList<VolumeFigures> Volumes => service.Volumes;

    public IReadOnlyList<GuestFigures> Guests => service.Guests;

    public IReadOnlyDictionary<string, RecentGuest> Recent => service.Recent;

    public IReadOnlyList<RingFigures> Rings => AllRings;

    public IReadOnlyDictionary<string, DiskState> Disks => service.Disks;

    public bool CloseRing(long id) => AllRings.RemoveAll(ring => ring.Id == id) > 0;

    public Task<IReadOnlyList<string>> RescanAsync() => service.RescanAsync();
}
